/** Draws only some of many rows: those in view, a few around them, and the one with the focus. */

import {
  defaultRangeExtractor,
  measureElement,
  type Range,
  useWindowVirtualizer,
  type VirtualItem,
} from "@tanstack/react-virtual";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { type Location, NavigationType, useLocation, useNavigationType } from "react-router";

const AROUND = 8;
const MAX_POSITIONS = 20;

/** The first and last row in view, and whether the list is still or scrolling. */
export interface InView {
  first: number;
  last: number;
  isStill: boolean;
}

interface Rows {
  /** The key of each row. */
  keys: string[];
  /**
   * The estimated height of each row in pixels. Rows with the same estimate then count as high as the lowest one
   * measured.
   */
  heights: number[];
  /** Positions are remembered per kind, because other kinds have other heights. */
  kind: string;
  onView: (view: InView) => void;
}

/** A drawn row, and its distance from the previous one in pixels. */
interface Shown {
  index: number;
  gap: number;
}

export function useVirtualRows({ keys, heights, kind, onView }: Rows) {
  const { position, remember } = useListPosition(kind);
  const list = useRef<HTMLElement>(null);
  const top = useListTop(list, position?.top ?? 0);
  const focused = useRef(-1);
  const opened = useRef("");
  const measured = useRef(position?.measured ?? new Map<number | undefined, number>());
  const rangeExtractor = useCallback((range: Range) => {
    const indexes = defaultRangeExtractor(range);
    const isOut = focused.current >= 0 && focused.current < range.count && !indexes.includes(focused.current);
    return isOut ? [...indexes, focused.current].sort((a, b) => a - b) : indexes;
  }, []);
  const rows = useWindowVirtualizer<HTMLElement>({
    count: keys.length,
    estimateSize: (index) => measured.current.get(heights[index]) ?? heights[index] ?? 0,
    measureElement: (row, entry, instance) => {
      const height = measureElement(row, entry, instance);
      const taken = heights[instance.indexFromElement(row)];
      measured.current.set(taken, Math.min(height, measured.current.get(taken) ?? height));
      return height;
    },
    getItemKey: (index) => keys[index] ?? index,
    overscan: AROUND,
    scrollMargin: top,
    rangeExtractor,
    initialRect: { width: window.innerWidth, height: window.innerHeight },
    initialOffset: () => position?.offset ?? window.scrollY,
    initialMeasurementsCache: position?.sizes ?? [],
  });
  useLayoutEffect(() => {
    if (position) {
      list.current?.querySelector<HTMLElement>(`[data-key="${position.opened}"] a`)?.focus({ preventScroll: true });
    }
    return () =>
      remember({
        top: rows.options.scrollMargin,
        offset: rows.scrollOffset ?? 0,
        sizes: rows.takeSnapshot(),
        // eslint-disable-next-line react-hooks/exhaustive-deps -- no element: the map of heights as it is at the end
        measured: measured.current,
        opened: opened.current,
      });
    // eslint-disable-next-line react-hooks/exhaustive-deps -- runs when the list comes and when it goes
  }, []);
  const { startIndex: first = 0, endIndex: last = -1 } = rows.range ?? {};
  const isStill = !rows.isScrolling;
  // eslint-disable-next-line react-hooks/exhaustive-deps -- a new function is no new view
  useEffect(() => onView({ first, last, isStill }), [first, last, isStill]);
  const items = rows.getVirtualItems();
  return {
    list,
    shown: items.map(({ index, start }, at): Shown => ({ index, gap: start - (items[at - 1]?.end ?? top) })),
    /** The height of the rows after the last drawn one, in pixels. */
    after: rows.getTotalSize() + top - (items.at(-1)?.end ?? top),
    /** Returns the properties by which a row is measured, and found again when the user returns. */
    row: (index: number) => ({
      ref: rows.measureElement,
      "data-index": index,
      "data-key": keys[index],
      onFocus: () => (focused.current = index),
      onBlur: () => (focused.current = -1),
      onClickCapture: () => (opened.current = keys[index] ?? ""),
    }),
  };
}

/** Return the distance of the list from the top of the page in pixels. It follows changes above the list. */
function useListTop(list: { current: HTMLElement | null }, before: number): number {
  const [top, setTop] = useState(before);
  useLayoutEffect(() => {
    const look = () => list.current && setTop(Math.round(list.current.getBoundingClientRect().top + window.scrollY));
    look();
    const observer = new ResizeObserver(look);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, [list]);
  return top;
}

/** The position in a list when the user opened one of its rows. */
interface ListPosition {
  top: number;
  offset: number;
  sizes: VirtualItem[];
  measured: Map<number | undefined, number>;
  opened: string;
}

/** The latest positions by kind and address. */
const positions = new Map<string, ListPosition>();

/** Return the remembered position when the user returns, with the browser or with a link whose state says so. */
function useListPosition(kind: string) {
  const { search, state } = useLocation() as Location<{ back?: boolean } | null>;
  const isBack = useNavigationType() === NavigationType.Pop || Boolean(state?.back);
  const name = `${kind} ${search}`;
  const latest = useRef(name);
  latest.current = name;
  const [position] = useState(() => (isBack ? positions.get(name) : undefined));
  const remember = (left: ListPosition) => {
    positions.delete(latest.current);
    positions.set(latest.current, left);
    [...positions.keys()].slice(0, -MAX_POSITIONS).forEach((old) => positions.delete(old));
  };
  return { position, remember };
}
