/** Which of many rows there are in the document: those in view, a few around them, and the one that has the focus. */

import { defaultRangeExtractor, measureElement, type Range, useWindowVirtualizer, type VirtualItem } from "@tanstack/react-virtual";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { NavigationType, useLocation, useNavigationType } from "react-router";

const AROUND = 8;
const PLACES = 20;

/** The first and the last of the rows in view, and whether they stay there or are scrolled past. */
export interface InView {
  first: number;
  last: number;
  isStill: boolean;
}

interface Rows {
  /** Of each row what it is known by. */
  keys: string[];
  /** What each row is taken to be high, in pixels; then as the least high one of those for which the same was taken. */
  heights: number[];
  /** Rows of another kind have other heights. */
  kind: string;
  onView: (view: InView) => void;
}

/** A row of the document, and how far it is from the one before it, in pixels. */
interface Shown {
  index: number;
  gap: number;
}

export function useRows({ keys, heights, kind, onView }: Rows) {
  const { place, remember } = usePlace(kind);
  const list = useRef<HTMLElement>(null);
  const top = useTop(list, place?.top ?? 0);
  const focused = useRef(-1);
  const opened = useRef("");
  const measured = useRef(place?.measured ?? new Map<number | undefined, number>());
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
    initialOffset: () => place?.offset ?? window.scrollY,
    initialMeasurementsCache: place?.sizes ?? [],
  });
  useLayoutEffect(() => {
    if (place) {
      list.current?.querySelector<HTMLElement>(`[data-key="${place.opened}"] a`)?.focus({ preventScroll: true });
    }
    return () =>
      remember({
        top: rows.options.scrollMargin,
        offset: rows.scrollOffset ?? 0,
        sizes: rows.takeSnapshot(),
        measured: measured.current,
        opened: opened.current,
      });
  }, []);
  const { startIndex: first = 0, endIndex: last = -1 } = rows.range ?? {};
  const isStill = !rows.isScrolling;
  useEffect(() => onView({ first, last, isStill }), [first, last, isStill]);
  const items = rows.getVirtualItems();
  return {
    list,
    shown: items.map(({ index, start }, at): Shown => ({ index, gap: start - (items[at - 1]?.end ?? top) })),
    /** What comes after the last of them, in pixels. */
    after: rows.getTotalSize() + top - (items.at(-1)?.end ?? top),
    /** What a row is given, to be measured, and found again by who comes back. */
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

/** How far below the top of the page a list begins, in pixels, whatever changes above it. */
function useTop(list: { current: HTMLElement | null }, before: number): number {
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

/** Where somebody was in a list before they opened one of its rows. */
interface Place {
  top: number;
  offset: number;
  sizes: VirtualItem[];
  measured: Map<number | undefined, number>;
  opened: string;
}

/** The latest ones, by what kind of rows they were in and by the address. */
const places = new Map<string, Place>();

/** The place of somebody who comes back to this address, by the browser or by a link whose state says so. */
function usePlace(kind: string) {
  const { search, state } = useLocation();
  const isBack = useNavigationType() === NavigationType.Pop || Boolean((state as { back?: boolean } | null)?.back);
  const name = `${kind} ${search}`;
  const latest = useRef(name);
  latest.current = name;
  const [place] = useState(() => (isBack ? places.get(name) : undefined));
  const remember = (left: Place) => {
    places.delete(latest.current);
    places.set(latest.current, left);
    [...places.keys()].slice(0, -PLACES).forEach((old) => places.delete(old));
  };
  return { place, remember };
}
