// @ts-check
// Which rows of a long table are drawn: those in sight and a few on either side. All rows have the same height.

const ROW_HEIGHT = 30;
const ROWS_BEYOND_SIGHT = 12;

class RowWindow {
  /**
   * @param {HTMLElement} scroller The element that scrolls.
   * @param {() => void} onchange Called when other rows come into sight.
   */
  constructor(scroller, onchange) {
    this.scroller = scroller;
    this.count = 0;
    this.drawn = "";
    const check = () => {
      if (String(this.range()) !== this.drawn) onchange();
    };
    scroller.addEventListener("scroll", check, { passive: true });
    new ResizeObserver(check).observe(scroller);
  }

  /** Begin again at the top of a list of so many rows. */
  reset(count) {
    this.count = count;
    this.scroller.scrollTop = 0;
  }

  /** The first row to draw and the one after the last. */
  range() {
    const { scrollTop, clientHeight } = this.scroller;
    const first = Math.floor(scrollTop / ROW_HEIGHT) - ROWS_BEYOND_SIGHT;
    const end = Math.ceil((scrollTop + clientHeight) / ROW_HEIGHT) + ROWS_BEYOND_SIGHT;
    return [first, end].map((index) => Math.max(0, Math.min(this.count, index)));
  }

  /** The rows to draw, as `range`, and the heights in pixels of those left out above and below. */
  take() {
    const [first, end] = this.range();
    this.drawn = String([first, end]);
    return { first, end, above: first * ROW_HEIGHT, below: (this.count - end) * ROW_HEIGHT };
  }

  /** Scroll as little as needed to bring a row into sight. */
  reveal(index) {
    const { scrollTop, clientHeight } = this.scroller;
    // The head stays at the top and covers what is below it.
    const room = clientHeight - this.scroller.querySelector("thead").offsetHeight;
    const lowest = (index + 1) * ROW_HEIGHT - room;
    this.scroller.scrollTop = Math.max(lowest, Math.min(index * ROW_HEIGHT, scrollTop));
  }
}
