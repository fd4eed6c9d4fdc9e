// The shapes of what the page's modules hand to each other. Sizes are in pixels.

/** What the page reads of `end2end.json`, the sidecar of the model. */
export interface Sidecar {
  model: { file: string; sha256: string; stride: number };
  input: { name: string; channel_order: ChannelOrder };
  resize: ResizeRule;
  outputs: { name: string }[];
  classes: ClassOfModel[];
  /** Of a page that `ppms serve` shows: what segments pictures there, and whether nothing else can. */
  server?: { infer: string; only: boolean };
}

export type ChannelOrder = "rgb" | "bgr" | "rgba" | "bgra";

export interface ClassOfModel {
  id: number;
  name: string;
  color_rgb: [number, number, number];
}

export type ResizeRule = { rule: "mmseg" | "paddleseg"; size_multiple: number } & (
  | { scaling: "sides"; short_side: number; long_side: number }
  | { scaling: "stretched"; stretched_hw: [number, number] }
  | { scaling: "none" }
);

export interface Size {
  height: number;
  width: number;
}

/** Logits of the classes that can win somewhere, four to a texel. */
export interface Field extends Size {
  /** Class ids, ascending. */
  classes: Int32Array;
  /** float32 (layers, height, width, 4); unused places hold a number that never wins. */
  texels: Float32Array;
  /** The part of the grid, in grid points, that shows the picture. */
  shown: Size;
}

/** Class ids of a picture's pixels, row by row. */
export interface Labels extends Size {
  ids: Uint8Array | Int32Array;
}

export interface Result {
  labels: Labels;
  /** Pixels of each class id. */
  counts: Uint32Array;
  /** What the labels were made of; null where only labels are known. */
  field: Field | null;
  /** Milliseconds of each stage, by its name. */
  ms: Record<string, number>;
}

/** Whatever turns pictures into labels: a worker of this page, or something far away. */
export interface Engine {
  /** For people: "WebAssembly, 2 threads". */
  readonly name: string;
  segment(picture: ImageBitmap): Promise<Result>;
  close(): void;
}

export type Device = "wasm" | "webgpu";

export interface Open {
  kind: "open";
  device: Device;
  threads: number;
}

export interface Segment {
  kind: "segment";
  picture: ImageBitmap;
}

export type Request = Open | Segment;
/** Replies come in the order of the requests. */
export type Reply = { result?: Result; error?: string };

/** How a result is shown. */
export interface Look {
  /** Of the colours, 0 to 1. */
  opacity: number;
  contours: boolean;
  /** The one class that is shown, or null for all. */
  isolated: number | null;
  /** Left of this share of the picture's width nothing is drawn over it; 0 for nowhere. */
  divider: number;
}

/** Where the picture is on the canvas, in the canvas's own pixels. */
export interface Placement {
  scale: number;
  left: number;
  top: number;
}

export interface Renderer {
  readonly canvas: HTMLCanvasElement;
  show(picture: ImageBitmap, result: Result | null): void;
  draw(placement: Placement, look: Look): void;
}

export interface StageParts {
  /** Holds the canvas. */
  area: HTMLElement;
  /** Follows the pointer. */
  tip: HTMLElement;
  /** Shows the divider. */
  line: HTMLElement;
  /** Changed from outside; `draw` shows it. */
  look: Look;
  /** The divider was dragged to this share of the picture's width. */
  onDivider(share: number): void;
}

/** A class that a picture has. */
export interface Present extends ClassOfModel {
  pixels: number;
  share: number;
}
