// @ts-check
// Which rows of a long table are drawn: the visible ones and a few on either side. All rows have the same height.

const EXTRA_ROWS = 12;

class RowWindow {
  /**
   * @param {HTMLElement} scroller The element that scrolls.
   * @param {() => number} height The height of a row in pixels.
   * @param {() => void} onchange Called when other rows become visible.
   */
  constructor(scroller, height, onchange) {
    this.scroller = scroller;
    this.height = height;
    this.count = 0;
    this.drawn = "";
    const check = () => {
      if (String(this.range()) !== this.drawn) onchange();
    };
    scroller.addEventListener("scroll", check, { passive: true });
    new ResizeObserver(check).observe(scroller);
  }

  /** Start at the top of a list with this many rows. */
  reset(count) {
    this.count = count;
    this.scroller.scrollTop = 0;
  }

  /** The first row to draw and the one after the last. */
  range() {
    const { scrollTop, clientHeight } = this.scroller;
    const first = Math.floor(scrollTop / this.height()) - EXTRA_ROWS;
    const end = Math.ceil((scrollTop + clientHeight) / this.height()) + EXTRA_ROWS;
    return [first, end].map((index) => Math.max(0, Math.min(this.count, index)));
  }

  /** The rows to draw, as `range`, and the heights in pixels of the omitted rows above and below. */
  take() {
    const [first, end] = this.range();
    this.drawn = String([first, end]);
    return { first, end, above: first * this.height(), below: (this.count - end) * this.height() };
  }

  /** Scroll as little as needed to make a row visible. */
  reveal(index) {
    const { scrollTop, clientHeight } = this.scroller;
    // The head stays at the top and covers the rows below it.
    const room = clientHeight - this.scroller.querySelector("thead").offsetHeight;
    const lowest = (index + 1) * this.height() - room;
    this.scroller.scrollTop = Math.max(lowest, Math.min(index * this.height(), scrollTop));
  }
}
