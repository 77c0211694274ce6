/**
 * The squares of the calendar. Each leads to the jobs of its day. One of them is in the order of the Tab key; the arrow
 * keys reach the others.
 */

import { Box, Text } from "@mantine/core";
import { type KeyboardEvent, useRef, useState } from "react";
import { Link } from "react-router";

import type { Schemas } from "../../../api/client";
import { t } from "../../../i18n";
import { useConsolePath } from "../consolePath";
import classes from "./CalendarGrid.module.css";
import { historyOf, type Mark, markOf, MARKS, type Results, resultsInWords } from "./calendarMarks";
import { longDay, shortDay } from "./dates";

export interface CalendarRow {
  name: string;
  /** The configuration whose jobs the row shows; without one, those of all. */
  configuration?: string;
  /** The results by date. */
  results: Map<string, Results>;
}

interface CalendarGridProps {
  label: string;
  days: Schemas["Day"][];
  rows: CalendarRow[];
}

const STEPS: Record<string, [number, number]> = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};
const DATE_EVERY = 10;

const columnsOf = (count: number) => ({ gridTemplateColumns: `10rem repeat(${count}, minmax(0, 1fr))` });

/** Scrolls to the newest days where not all have room, also after a phone is turned. */
function newest(box: HTMLElement | null) {
  if (box === null) {
    return undefined;
  }
  const observer = new ResizeObserver(() => box.scrollTo({ left: box.scrollWidth }));
  observer.observe(box);
  return () => observer.disconnect();
}

export function CalendarGrid({ label, days, rows }: CalendarGridProps) {
  const [active, setActive] = useState<[number, number]>([0, days.length - 1]);
  const [pointed, setPointed] = useState("");
  const grid = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (step === undefined) {
      return;
    }
    event.preventDefault();
    const row = Math.min(Math.max(active[0] + step[0], 0), rows.length - 1);
    const day = Math.min(Math.max(active[1] + step[1], 0), days.length - 1);
    setActive([row, day]);
    grid.current?.querySelector<HTMLElement>(`[data-cell="${row}-${day}"]`)?.focus();
  };
  return (
    <>
      <Box ref={newest} style={{ overflowX: "auto" }}>
        <Box miw={720} p={3} role="grid" tabIndex={-1} aria-label={label} ref={grid} onKeyDown={move}>
          <Scale days={days} />
          {rows.map((row, index) => (
            <Row
              key={row.configuration ?? ""}
              row={row}
              days={days}
              number={index}
              active={active[0] === index ? active[1] : -1}
              onPoint={(text, day) => {
                setPointed(text);
                setActive([index, day]);
              }}
            />
          ))}
        </Box>
      </Box>
      <Text size="xs" c="dimmed" mih="1.3rem" aria-hidden>
        {pointed}
      </Text>
    </>
  );
}

function Scale({ days }: { days: Schemas["Day"][] }) {
  return (
    <Box className={classes["row"]} style={columnsOf(days.length)} fz="xs" c="dimmed" aria-hidden h="1.2rem">
      <span />
      {days.map(({ date }, index) => (
        <span key={date} style={{ whiteSpace: "nowrap", overflow: "visible" }}>
          {index % DATE_EVERY === 0 ? shortDay(date) : ""}
        </span>
      ))}
    </Box>
  );
}

interface RowProps {
  row: CalendarRow;
  days: Schemas["Day"][];
  number: number;
  /** The day in the order of the Tab key, or -1. */
  active: number;
  onPoint: (text: string, day: number) => void;
}

function Row({ row, days, number, active, onPoint }: RowProps) {
  const base = useConsolePath();
  const marks = days.map(({ date }) => markOf(row.results.get(date)));
  const count = (mark: Mark) => marks.filter((one) => one === mark).length;
  const said = t("overview.calendar.summary", {
    name: row.name,
    good: count("good"),
    partly: count("partly"),
    bad: count("bad"),
    nothing: count("nothing"),
  });
  return (
    <div role="row" aria-label={said} className={classes["row"]} style={columnsOf(days.length)}>
      <span role="rowheader" className={classes["name"]} title={row.name}>
        {row.name}
      </span>
      {days.map((day, index) => {
        const { background, colour, sign } = MARKS[marks[index] ?? "nothing"];
        const text = `${longDay(day.date)}: ${resultsInWords(row.results.get(day.date))}`;
        return (
          <span role="gridcell" key={day.date}>
            <Link
              to={`${base}${historyOf(day, row.configuration)}`}
              className={classes["day"]}
              style={{ background, color: colour }}
              data-cell={`${number}-${index}`}
              tabIndex={index === active ? 0 : -1}
              aria-label={`${row.name}, ${text}`}
              title={text}
              onFocus={() => onPoint(`${row.name}, ${text}`, index)}
            >
              {sign}
            </Link>
          </span>
        );
      })}
    </div>
  );
}
