// What the vendored scripts define; see ../vendor/README.md.

declare function initSqlJs(settings: { wasmBinary: ArrayBuffer }): Promise<any>;
declare const d3: any;
