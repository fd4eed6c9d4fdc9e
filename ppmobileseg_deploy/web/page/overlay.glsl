#version 300 es
// The picture with the colours of its classes, found for every pixel of the canvas from the coarse logits.
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
uniform float dimmed;           // light that is left outside the isolated class
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
    seen = mine.a > 0.5 ? mix(seen, mine.rgb, opacity) : seen * dimmed;
    if (contours && (best_place(at + vec2(1, 0)) != place || best_place(at + vec2(0, 1)) != place)) {
      seen = vec3(1);
    }
  }
  color = vec4(seen, 1);
}
