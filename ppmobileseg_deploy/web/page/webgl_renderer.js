// Draws with a graphics processor, which finds the best class of every pixel of the screen itself: from the coarse
// logits, by bilinear interpolation. Borders stay sharp however far one zooms in.

import { DIMMED } from "./colouring.js";

/** @import { ClassOfModel, Field, Renderer } from "./types.js" */

const VERTICES = `#version 300 es
void main() {
  // One triangle that covers the canvas.
  vec2 corner = vec2(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0);
  gl_Position = vec4(corner, 0.0, 1.0);
}`;

const PIXELS = await fetch(new URL("overlay.glsl", import.meta.url)).then((response) => response.text());

/** @type {(canvas: HTMLCanvasElement, classes: ClassOfModel[]) => Renderer} */
export function webglRenderer(canvas, classes) {
  const found = canvas.getContext("webgl2", { alpha: true, antialias: false });
  if (found === null) throw new Error("this browser has no WebGL 2");
  const gl = found;
  const program = linked(gl);
  gl.useProgram(program);
  const at = (/** @type {string} */ name) => gl.getUniformLocation(program, name);
  ["picture", "field", "palette"].forEach((name, unit) => gl.uniform1i(at(name), unit));
  const pictureTexture = gl.createTexture();
  const fieldTexture = gl.createTexture();
  const paletteTexture = gl.createTexture();
  /** @type {ImageBitmap | undefined} */
  let picture;
  /** @type {Field | null} */
  let field = null;
  bind(gl, 1, gl.TEXTURE_2D_ARRAY, fieldTexture, gl.NEAREST);
  gl.texImage3D(gl.TEXTURE_2D_ARRAY, 0, gl.RGBA32F, 1, 1, 1, 0, gl.RGBA, gl.FLOAT, null);

  return {
    canvas,
    show(newPicture, result) {
      if (picture !== newPicture) {
        picture = newPicture;
        bind(gl, 0, gl.TEXTURE_2D, pictureTexture, gl.LINEAR);
        gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, picture);
        gl.generateMipmap(gl.TEXTURE_2D);
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
      }
      field = result?.field ?? null;
      if (field === null) return;
      const { width, height, texels } = field;
      const layers = texels.length / (width * height * 4);
      bind(gl, 1, gl.TEXTURE_2D_ARRAY, fieldTexture, gl.NEAREST);
      const size = /** @type {const} */ ([width, height, layers]);
      gl.texImage3D(gl.TEXTURE_2D_ARRAY, 0, gl.RGBA32F, ...size, 0, gl.RGBA, gl.FLOAT, texels);
    },
    draw({ scale, left, top }, look) {
      if (picture === undefined) return;
      if (field !== null) {
        const bytes = palette(field, classes, look.isolated);
        bind(gl, 2, gl.TEXTURE_2D, paletteTexture, gl.NEAREST);
        const size = /** @type {const} */ ([bytes.length / 4, 1]);
        gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, ...size, 0, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
        gl.uniform2f(at("shown"), field.shown.width, field.shown.height);
      }
      const width = picture.width * scale;
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.uniform2f(at("canvas_size"), canvas.width, canvas.height);
      gl.uniform4f(at("placement"), left, top, width, picture.height * scale);
      gl.uniform1f(at("opacity"), look.opacity);
      gl.uniform1f(at("dimmed"), DIMMED);
      gl.uniform1f(at("divider"), left + look.divider * width);
      gl.uniform1i(at("contours"), Number(look.contours));
      gl.uniform1i(at("has_result"), Number(field !== null));
      gl.drawArrays(gl.TRIANGLES, 0, 3);
    },
  };
}

/** @type {(field: Field, classes: ClassOfModel[], isolated: number | null) => Uint8Array} */
function palette(field, classes, isolated) {
  const bytes = new Uint8Array(field.classes.length * 4);
  field.classes.forEach((id, place) => {
    bytes.set(classes[id].color_rgb, place * 4);
    bytes[place * 4 + 3] = isolated === null || isolated === id ? 255 : 0;
  });
  return bytes;
}

/** @type {(gl: WebGL2RenderingContext, unit: number, target: number, texture: WebGLTexture, filter: number) => void} */
function bind(gl, unit, target, texture, filter) {
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.bindTexture(target, texture);
  gl.texParameteri(target, gl.TEXTURE_MIN_FILTER, filter);
  gl.texParameteri(target, gl.TEXTURE_MAG_FILTER, filter);
  gl.texParameteri(target, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(target, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
}

function linked(/** @type {WebGL2RenderingContext} */ gl) {
  const program = gl.createProgram();
  for (const [type, source] of /** @type {const} */ ([
    [gl.VERTEX_SHADER, VERTICES],
    [gl.FRAGMENT_SHADER, PIXELS],
  ])) {
    const shader = gl.createShader(type);
    if (shader === null) throw new Error("the graphics processor is lost");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    throw new Error(`its shader does not compile: ${gl.getProgramInfoLog(program)}`);
  }
  return program;
}
