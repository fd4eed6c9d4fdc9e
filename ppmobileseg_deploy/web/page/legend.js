// The classes of a picture, the largest first; pressing one shows it alone.

/** @import { ClassOfModel, Present } from "./types.js" */

/** The classes that have pixels, the largest share first. @returns {Present[]} */
export function present(/** @type {ClassOfModel[]} */ classes, /** @type {Uint32Array} */ counts) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return classes
    .map((each) => ({ ...each, pixels: counts[each.id], share: counts[each.id] / total }))
    .filter(({ pixels }) => pixels > 0)
    .sort((a, b) => b.pixels - a.pixels || a.id - b.id);
}

export function percent(/** @type {number} */ share) {
  return share < 0.001 ? "< 0.1 %" : `${(share * 100).toFixed(1)} %`;
}

export class Legend {
  /** @type {Map<number, HTMLLIElement>} */
  #entries = new Map();

  constructor(/** @type {HTMLUListElement} */ list, /** @type {(id: number) => void} */ onPress) {
    this.list = list;
    this.onPress = onPress;
  }

  show(/** @type {Present[]} */ classes, /** @type {number | null} */ isolated) {
    const shown = new Set(classes.map(({ id }) => id));
    for (const [id, entry] of this.#entries) {
      if (!shown.has(id)) {
        entry.remove();
        this.#entries.delete(id);
      }
    }
    classes.forEach((each, place) => {
      let entry = this.#entries.get(each.id);
      if (entry === undefined) {
        entry = this.#make(each);
        this.#entries.set(each.id, entry);
      }
      const [button] = entry.getElementsByTagName("button");
      button.style.setProperty("--share", String(each.share));
      button.setAttribute("aria-pressed", String(each.id === isolated));
      const [text] = entry.getElementsByClassName("share");
      text.textContent = percent(each.share);
      // What has the focus would lose it if it were moved.
      const holdsFocus = this.list.contains(document.activeElement);
      if (this.list.children[place] !== entry && !(holdsFocus && entry.isConnected)) {
        this.list.insertBefore(entry, this.list.children[place] ?? null);
      }
    });
  }

  #make(/** @type {Present} */ { id, name, color_rgb }) {
    const entry = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.id = String(id);
    button.style.setProperty("--swatch", `rgb(${color_rgb.join(" ")})`);
    for (const [part, text] of [
      ["swatch", ""],
      ["name", name],
      ["share", ""],
    ]) {
      const span = document.createElement("span");
      span.className = part;
      span.textContent = text;
      button.append(span);
    }
    button.addEventListener("click", () => this.onPress(id));
    entry.append(button);
    return entry;
  }
}
