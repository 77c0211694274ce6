/**
 * Functions that run inside a page. Each is sent as text: it can call the others by name, and nothing else of this
 * file.
 */

interface Walk {
  controls: HTMLElement[];
  /** The look of each element while the focus is elsewhere. */
  looks: Map<Element, string>;
  reached: HTMLElement[];
  found: string[];
  dialog: HTMLElement | null;
  before: Element | null;
}

declare global {
  interface Window {
    walk: Walk;
  }
}

/** Describes an element so that it can be found in the source. */
function named(element: Element): string {
  return element.outerHTML.replace(/ (style|class|data-[\w-]+)="[^"]*"/g, "").slice(0, 160);
}

/** Returns the visible box of an element. A switch, for example, lies invisibly below its label. */
function boxOf(element: HTMLElement): DOMRect {
  const box = element.getBoundingClientRect();
  const labels = [...((element as HTMLInputElement).labels ?? [])];
  const hidden = box.width < 3 || box.height < 3 || getComputedStyle(element).opacity === "0";
  return hidden && labels[0] ? labels[0].getBoundingClientRect() : box;
}

function isShown(element: HTMLElement): boolean {
  const box = boxOf(element);
  const away = element.closest("[inert], [aria-hidden=true], [data-sentinel]") !== null;
  return !away && box.width > 0 && box.height > 0 && element.checkVisibility({ visibilityProperty: true });
}

/** Returns all visible controls in the order of the document. */
function controlsOf(root: ParentNode): HTMLElement[] {
  const roles = ["button", "checkbox", "combobox", "link", "menuitem", "radio", "slider", "switch", "tab", "textbox"];
  const tags = ["a[href]", "button", "input", "select", "summary", "textarea", '[tabindex]:not([tabindex="-1"])'];
  const all = root.querySelectorAll<HTMLElement>([...tags, ...roles.map((role) => `[role=${role}]`)].join());
  return [...all].filter((one) => !one.matches(":disabled, [aria-disabled=true]") && isShown(one));
}

/**
 * Returns elements that react to a click but not to a key: no control, not inside or around one, and no label of one.
 * The drawing of a chart listens to all events; here it counts as a picture, and has a table. The arrow keys reach the
 * options of a field from that field.
 */
function unreachableClicks(root: ParentNode, controls: HTMLElement[]): HTMLElement[] {
  const known = new Set<Element>(controls);
  return [...root.querySelectorAll<HTMLElement>("*")].filter((element) => {
    const key = Object.keys(element).find((name) => name.startsWith("__reactProps$"));
    const props = key ? (element as unknown as Record<string, { onClick?: unknown }>)[key] : undefined;
    if (
      typeof props?.onClick !== "function" ||
      known.has(element) ||
      !isShown(element) ||
      element.closest("[role=img], [role=option]")
    ) {
      return false;
    }
    const labelled = element.closest("label")?.control;
    const within = controls.some((one) => one.contains(element) || element.contains(one));
    return !within && !(labelled && known.has(labelled)) && !element.matches(":disabled, [aria-disabled=true]");
  });
}

/** Returns the outline, shadow and border of an element and its neighbours, where some controls show their focus. */
function lookOf(element: HTMLElement): string {
  const around = [
    element.parentElement,
    element.parentElement?.parentElement,
    element.closest(".mantine-Input-wrapper > *"),
  ];
  const near = [element, ...around, element.nextElementSibling, element.firstElementChild];
  return near
    .map((one) => {
      const style = one ? getComputedStyle(one) : null;
      const outlined = style && style.outlineStyle !== "none" && style.outlineWidth !== "0px";
      const outline = outlined ? `${style.outlineStyle} ${style.outlineWidth} ${style.outlineColor}` : "";
      return style
        ? `${outline}, ${style.boxShadow}, ${style.borderColor} ${style.borderWidth} ${style.borderStyle}`
        : "";
    })
    .join("; ");
}

/** Returns the key of a group of which Tab reaches only one member, or nothing. */
function groupOf(element: HTMLElement): unknown {
  if (element.matches("[role=tab], [role=menuitem]")) {
    return element.closest("[role=tablist], [role=menu]");
  }
  return element.matches("input[type=radio]") ? (element as HTMLInputElement).name : element;
}

/** Returns whether the element is invisible, because another one covers it or it is out of view. */
function isObscured(element: HTMLElement): boolean {
  const { left, right, top, bottom } = boxOf(element);
  const labels = [...((element as HTMLInputElement).labels ?? [])];
  const across = [left + 3, (left + right) / 2, right - 3];
  const down = [top + 3, (top + bottom) / 2, bottom - 3];
  return !across.some((x) =>
    down.some((y) => {
      const hit = document.elementFromPoint(x, y);
      return hit !== null && [element, ...labels].some((one) => one.contains(hit) || hit.contains(one));
    }),
  );
}

/** Prepares to walk through the page, or through the open dialog. */
function startWalk(): number {
  const before = document.activeElement;
  const dialog = [...document.querySelectorAll<HTMLElement>("[role=dialog]")].filter(isShown).at(-1) ?? null;
  if (dialog === null) {
    scrollTo(0, 0);
    const edges = [0, 1].map(() => Object.assign(document.createElement("span"), { tabIndex: 0 }));
    edges.forEach((edge, end) => edge.setAttribute("data-sentinel", String(end)));
    document.body.prepend(edges[0] as Node);
    document.body.append(edges[1] as Node);
    edges[0]?.focus();
  }
  const root = dialog ?? document;
  const controls = controlsOf(root);
  const found = unreachableClicks(root, controls).map((one) => `reacts to clicks alone: ${named(one)}`);
  window.walk = { controls, looks: new Map(), reached: [], found, dialog, before };
  controls.filter((one) => one !== before).forEach((one) => window.walk.looks.set(one, lookOf(one)));
  return controls.length;
}

/** Records the focused element. Returns whether the walk is complete. */
function stepWalk(): boolean {
  const { looks, reached, found, dialog } = window.walk;
  const now = document.activeElement as HTMLElement | null;
  const last = reached.at(-1);
  if (
    now === null ||
    now === document.body ||
    now.matches("[data-sentinel]") ||
    (dialog && now === reached[0] && now !== last)
  ) {
    return true;
  }
  if (now === last) {
    return false; // A date has several parts.
  }
  if (dialog && !dialog.contains(now)) {
    found.push(`outside of the dialog: ${named(now)}`);
    return true;
  }
  if (isObscured(now)) {
    found.push(`covered while it has the focus: ${named(now)}`);
  }
  if (looks.has(now) && looks.get(now) === lookOf(now)) {
    found.push(`looks the same with the focus: ${named(now)}`);
  }
  if (last && !dialog && last.isConnected && last.compareDocumentPosition(now) & Node.DOCUMENT_POSITION_PRECEDING) {
    found.push(`comes after what it stands before: ${named(now)}`);
  }
  if (last && isBack(last, now)) {
    found.push(`lies above and before the one that had the focus: ${named(now)}`);
  }
  reached.push(now);
  return false;
}

/**
 * Returns whether the step goes against the reading direction. Elements that do not scroll with the page do not count.
 */
function isBack(from: HTMLElement, to: HTMLElement): boolean {
  const [one, next] = [boxOf(from), boxOf(to)];
  const moves = [from, to].every((element) => {
    for (let place: Element | null = element; place; place = place.parentElement) {
      if (["fixed", "sticky"].includes(getComputedStyle(place).position)) {
        return false;
      }
    }
    return true;
  });
  return moves && next.bottom <= one.top && next.left < one.right;
}

/** Returns the problems found on the walk, and puts the focus back. */
function endWalk(): string[] {
  const { controls, reached, found, dialog, before } = window.walk;
  const groups = new Set(reached.map(groupOf));
  const ended = dialog !== null || document.activeElement?.getAttribute("data-sentinel") === "1";
  const left = controls.filter((one) => one.isConnected && isShown(one) && !groups.has(groupOf(one)));
  document.querySelectorAll("[data-sentinel]").forEach((edge) => edge.remove());
  (before as HTMLElement | null)?.focus({ preventScroll: true });
  return [
    ...found,
    ...left.map((one) => `is not reached with Tab: ${named(one)}`),
    ...(ended
      ? []
      : [`the focus does not leave the page after ${reached.at(-1) ? named(reached.at(-1) as Element) : "nothing"}`]),
  ];
}

/**
 * Returns elements that carry information only by their background and do not stand out. The first call records the
 * backgrounds; the second call, in forced colours, compares.
 */
function lostInForcedColours(): string[] {
  const clear = (element: Element) =>
    ["rgba(0, 0, 0, 0)", "transparent"].includes(getComputedStyle(element).backgroundColor);
  const behind = (element: Element | null): string =>
    element === null ? "" : clear(element) ? behind(element.parentElement) : getComputedStyle(element).backgroundColor;
  const drawn = [
    ...document.querySelectorAll<HTMLElement>(
      "main *:empty:not(svg *, td, col, input:not([type=radio], [type=checkbox]), textarea)",
    ),
  ].filter((one) => one.checkVisibility({ opacityProperty: true }) && one.offsetWidth * one.offsetHeight > 20);
  drawn.filter((one) => !clear(one)).forEach((one) => one.setAttribute("data-drawn", ""));
  return drawn
    .filter((one) => one.matches("[data-drawn]"))
    .filter((one) => getComputedStyle(one).borderStyle === "none" && behind(one) === behind(one.parentElement))
    .map(
      (one) => `vanishes where the system chooses the colours: ${named(one)} in ${named(one.parentElement as Element)}`,
    );
}

/** Returns controls that cannot be seen: cut off, or beyond an edge without scrolling. */
function unreachableControls(): string[] {
  const { scrollWidth, clientWidth } = document.scrollingElement ?? document.documentElement;
  const wide = scrollWidth > clientWidth ? [`the page scrolls sideways: ${scrollWidth} in ${clientWidth}`] : [];
  return [
    ...wide,
    ...controlsOf(document)
      .filter(isCut)
      .map((one) => `out of reach: ${named(one)}`),
  ];
}

function isCut(element: HTMLElement): boolean {
  let { left, right, top, bottom } = boxOf(element);
  let fixed = false;
  for (let place = element.parentElement; place && place !== document.body && !fixed; place = place.parentElement) {
    const { overflowX, overflowY, position } = getComputedStyle(place);
    const around = place.getBoundingClientRect();
    const cut = (overflow: string, outside: boolean) => ["hidden", "clip"].includes(overflow) && outside;
    if (
      cut(overflowX, left < around.left - 1 || right > around.right + 1) ||
      cut(overflowY, top < around.top - 1 || bottom > around.bottom + 1)
    ) {
      return place.scrollWidth > 1;
    }
    if (["auto", "scroll"].includes(overflowX)) {
      [left, right] = [Math.max(left, around.left), Math.min(right, around.right)];
    }
    if (["auto", "scroll"].includes(overflowY)) {
      [top, bottom] = [Math.max(top, around.top), Math.min(bottom, around.bottom)];
    }
    fixed = position === "fixed";
  }
  return left < -1 || right > innerWidth + 1 || (fixed && (top < -1 || bottom > innerHeight + 1));
}

/** All of the functions, for a page to load. Text that begins with a function would be called as one. */
export const IN_PAGE = [
  "void 0;",
  named,
  boxOf,
  isShown,
  controlsOf,
  unreachableClicks,
  lookOf,
  groupOf,
  isObscured,
  startWalk,
  stepWalk,
  isBack,
  endWalk,
  lostInForcedColours,
  unreachableControls,
  isCut,
].join("\n");
