// Lists of which only what is seen is in the document.

// A list or grid of `items` in `box`. `cell` is the least width (0: one column) and the height of an item, and
// `render` makes its element. With `scroller` it scrolls in that element, else with the page.
function virtualList({ box, items, cell, render, scroller }) {
  box.classList.add('virtual');
  const shown = new Map();
  let columns = 1;

  function seen() {
    if (scroller) return [scroller.scrollTop, scroller.scrollTop + scroller.clientHeight];
    const top = box.getBoundingClientRect().top;
    return [-top, -top + window.innerHeight];
  }

  function place(node, i) {
    const width = box.clientWidth / columns;
    node.style.transform = `translate(${(i % columns) * width}px, ${Math.floor(i / columns) * cell.height}px)`;
    node.style.width = `${width}px`;
    node.style.height = `${cell.height}px`;
  }

  function draw() {
    if (!box.isConnected) return;
    const wide = cell.width ? Math.max(1, Math.floor(box.clientWidth / cell.width)) : 1;
    const isRearranged = wide !== columns;
    columns = wide;
    const rows = Math.ceil(items.length / columns);
    box.style.height = `${rows * cell.height}px`;
    const [top, bottom] = seen();
    const first = clamp(Math.floor(top / cell.height) - 2, 0, rows) * columns;
    const last = Math.min(items.length, (Math.ceil(bottom / cell.height) + 2) * columns);
    for (const [i, node] of shown) {
      if ((i < first || i >= last) && !node.contains(document.activeElement)) {
        node.remove();
        shown.delete(i);
      }
    }
    for (let i = first; i < last; i++) {
      const known = shown.get(i);
      if (known && !isRearranged) continue;
      const node = known || el('div.cell', { role: 'listitem', 'aria-setsize': items.length, 'aria-posinset': i + 1 }, render(items[i], i));
      place(node, i);
      if (!known) {
        // In the order of the items, so that Tab goes through them in turn.
        const after = [...shown.keys()].filter((n) => n > i).sort((a, b) => a - b)[0];
        box.insertBefore(node, after === undefined ? null : shown.get(after));
        shown.set(i, node);
      }
    }
    if (isRearranged) for (const [i, node] of shown) place(node, i);
  }

  const later = oncePerFrame(draw);
  const target = scroller || window;
  target.addEventListener('scroll', later, { passive: true });
  const watch = new ResizeObserver(() => {
    for (const [i, node] of shown) place(node, i);
    later();
  });
  watch.observe(box);

  return {
    draw,
    columns: () => columns,
    show(next) {
      items = next;
      for (const node of shown.values()) node.remove();
      shown.clear();
      draw();
    },
    again(i) {
      if (shown.has(i)) fill(shown.get(i), render(items[i], i));
    },
    // Scrolls to an item and gives it the focus.
    focus(i) {
      const row = Math.floor(i / columns) * cell.height;
      const [top, bottom] = seen();
      if (row < top || row + cell.height > bottom) {
        if (scroller) scroller.scrollTop = row - scroller.clientHeight / 3;
        else window.scrollBy(0, row - top - window.innerHeight / 3);
      }
      draw();
      const node = shown.get(i) && shown.get(i).querySelector('button, a, [tabindex]');
      if (node) node.focus({ preventScroll: true });
    },
    end() {
      watch.disconnect();
      target.removeEventListener('scroll', later);
    },
  };
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
