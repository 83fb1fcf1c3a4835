// Lists of which only what is seen is in the document.

// A list or grid of `items` in `box`. `cell` is the least width (0: one column) and the height of an item, and
// `render` makes its element. With `scroller` it scrolls in that element, else with the page.
class VirtualList {
  constructor({ box, items, cell, render, scroller }) {
    Object.assign(this, { box, items, cell, render, scroller });
    box.classList.add('virtual');
    this.shown = new Map();
    this.wide = 1;
    this.later = oncePerFrame(() => this.draw());
    this.target = scroller || window;
    this.target.addEventListener('scroll', this.later, { passive: true });
    this.watch = new ResizeObserver(() => {
      this.arrange();
      this.later();
    });
    this.watch.observe(box);
  }

  // What is seen of the list, in pixels from its top.
  seen() {
    const { scroller } = this;
    if (scroller) return [scroller.scrollTop, scroller.scrollTop + scroller.clientHeight];
    const { top } = this.box.getBoundingClientRect();
    return [-top, -top + window.innerHeight];
  }

  place(node, i) {
    const width = this.box.clientWidth / this.wide;
    node.style.transform = `translate(${(i % this.wide) * width}px, ${Math.floor(i / this.wide) * this.cell.height}px)`;
    node.style.width = `${width}px`;
    node.style.height = `${this.cell.height}px`;
  }

  arrange() {
    for (const [i, node] of this.shown) this.place(node, i);
  }

  draw() {
    if (!this.box.isConnected) return;
    const wide = this.cell.width ? Math.max(1, Math.floor(this.box.clientWidth / this.cell.width)) : 1;
    const isRearranged = wide !== this.wide;
    this.wide = wide;
    const rows = Math.ceil(this.items.length / wide);
    this.box.style.height = `${rows * this.cell.height}px`;
    const [top, bottom] = this.seen();
    const first = clamp(Math.floor(top / this.cell.height) - 2, 0, rows) * wide;
    const last = Math.min(this.items.length, (Math.ceil(bottom / this.cell.height) + 2) * wide);
    for (const [i, node] of this.shown) {
      if ((i >= first && i < last) || node.contains(document.activeElement)) continue;
      node.remove();
      this.shown.delete(i);
    }
    for (let i = first; i < last; i++) if (!this.shown.has(i)) this.add(i);
    if (isRearranged) this.arrange();
  }

  // In the order of the items, so that Tab goes through them in turn.
  add(i) {
    const node = el('div.cell', { role: 'listitem', 'aria-setsize': this.items.length, 'aria-posinset': i + 1 }, this.render(this.items[i], i));
    this.place(node, i);
    const after = [...this.shown.keys()].filter((n) => n > i).sort((a, b) => a - b)[0];
    this.box.insertBefore(node, after === undefined ? null : this.shown.get(after));
    this.shown.set(i, node);
  }

  columns() {
    return this.wide;
  }

  show(items) {
    this.items = items;
    for (const node of this.shown.values()) node.remove();
    this.shown.clear();
    this.draw();
  }

  again(i) {
    if (this.shown.has(i)) fill(this.shown.get(i), this.render(this.items[i], i));
  }

  // Scrolls to an item and gives it the focus.
  focus(i) {
    const row = Math.floor(i / this.wide) * this.cell.height;
    const [top, bottom] = this.seen();
    if (row < top || row + this.cell.height > bottom) {
      if (this.scroller) this.scroller.scrollTop = row - this.scroller.clientHeight / 3;
      else window.scrollBy(0, row - top - window.innerHeight / 3);
    }
    this.draw();
    const node = this.shown.get(i) && this.shown.get(i).querySelector('button, a, [tabindex]');
    if (node) node.focus({ preventScroll: true });
  }

  end() {
    this.watch.disconnect();
    this.target.removeEventListener('scroll', this.later);
  }
}

// Arrow keys go from item to item of a list.
function arrowKeys(list, itemsOf, indexOf) {
  return (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -list.columns(), ArrowDown: list.columns() }[event.key];
    const at = indexOf(event.target);
    if (!step || at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    list.focus(clamp(at + step, 0, itemsOf().length - 1));
  };
}

// A field to search in, a choice, and a switch, each with its label.
function searchField(label, act) {
  const later = oncePerFrame(() => act(field.value.trim().toLowerCase()));
  const field = el('input', { type: 'search', placeholder: label, 'aria-label': label, 'data-search': true, on: { input: later } });
  return el('div.search', null, icon('search'), field);
}

function choice(label, options, act, value) {
  const select = el('select', { on: { change: () => act(select.value) } });
  for (const [of, text] of options) select.append(el('option', { value: of }, text));
  if (value !== undefined) select.value = value;
  return el('label.choice', null, el('span', null, label), select);
}
