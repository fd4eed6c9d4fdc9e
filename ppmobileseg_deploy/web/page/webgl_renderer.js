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

const PIXELS = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2DArray;
uniform sampler2D picture;
uniform sampler2DArray field;  // logits of the classes that can win, four to a texel
uniform sampler2D palette;     // by place in the field; opaque where the class is shown
uniform vec2 canvas_size;
uniform vec4 placement;        // left, top, width and height of the picture on the canvas
uniform vec2 shown;            // part of the grid that shows the picture, in grid points
uniform float opacity;
uniform float divider;         // x of the canvas left of which only the picture is seen
uniform bool contours;
uniform bool has_result;
out vec4 color;

vec4 four(int layer, ivec2 low, ivec2 high, vec2 weight) {
  vec4 upper = mix(texelFetch(field, ivec3(low, layer), 0),
                   texelFetch(field, ivec3(high.x, low.y, layer), 0), weight.x);
  vec4 lower = mix(texelFetch(field, ivec3(low.x, high.y, layer), 0),
                   texelFetch(field, ivec3(high, layer), 0), weight.x);
  return mix(upper, lower, weight.y);
}

int best_place(vec2 at) {
  ivec3 size = textureSize(field, 0);
  vec2 point = clamp((at - placement.xy) / placement.zw * shown - 0.5, vec2(0), vec2(size.xy - 1));
  ivec2 low = ivec2(point);
  ivec2 high = min(low + 1, size.xy - 1);
  int place = 0;
  float best = -3.4e38;
  for (int layer = 0; layer < size.z; layer++) {
    vec4 values = four(layer, low, high, point - vec2(low));
    for (int i = 0; i < 4; i++) {
      if (values[i] > best) {
        best = values[i];
        place = layer * 4 + i;
      }
    }
  }
  return place;
}

void main() {
  vec2 at = vec2(gl_FragCoord.x, canvas_size.y - gl_FragCoord.y);
  vec2 inside = (at - placement.xy) / placement.zw;
  if (any(lessThan(inside, vec2(0))) || any(greaterThan(inside, vec2(1)))) {
    color = vec4(0);
    return;
  }
  vec3 seen = texture(picture, inside).rgb;
  if (has_result && at.x >= divider) {
    int place = best_place(at);
    vec4 mine = texelFetch(palette, ivec2(place, 0), 0);
    seen = mine.a > 0.5 ? mix(seen, mine.rgb, opacity) : seen * ${DIMMED};
    if (contours && (best_place(at + vec2(1, 0)) != place || best_place(at + vec2(0, 1)) != place)) {
      seen = vec3(1);
    }
  }
  color = vec4(seen, 1);
}`;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {ClassOfModel[]} classes
 * @returns {Renderer}
 * @throws {Error} there is no WebGL 2
 */
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
      gl.uniform1f(at("divider"), left + look.divider * width);
      gl.uniform1i(at("contours"), Number(look.contours));
      gl.uniform1i(at("has_result"), Number(field !== null));
      gl.drawArrays(gl.TRIANGLES, 0, 3);
    },
  };
}

/**
 * @param {Field} field
 * @param {ClassOfModel[]} classes
 * @param {number | null} isolated
 */
function palette(field, classes, isolated) {
  const bytes = new Uint8Array(field.classes.length * 4);
  field.classes.forEach((id, place) => {
    bytes.set(classes[id].color_rgb, place * 4);
    bytes[place * 4 + 3] = isolated === null || isolated === id ? 255 : 0;
  });
  return bytes;
}

/**
 * @param {WebGL2RenderingContext} gl
 * @param {number} unit
 * @param {number} target
 * @param {WebGLTexture | null} texture
 * @param {number} filter
 */
function bind(gl, unit, target, texture, filter) {
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.bindTexture(target, texture);
  gl.texParameteri(target, gl.TEXTURE_MIN_FILTER, filter);
  gl.texParameteri(target, gl.TEXTURE_MAG_FILTER, filter);
  gl.texParameteri(target, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(target, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
}

/** @param {WebGL2RenderingContext} gl */
function linked(gl) {
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
