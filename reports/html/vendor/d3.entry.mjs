export { extent, max, min, quantileSorted } from "d3-array";
export { interpolateLab, piecewise } from "d3-interpolate";
export { scaleDiverging, scaleLinear, scaleLog } from "d3-scale";
export { interpolatePuOr } from "d3-scale-chromatic";
