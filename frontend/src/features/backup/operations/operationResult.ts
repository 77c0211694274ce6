/** The result of a completed operation in words. */

import type { Schemas } from "../../../api/client";
import { bytes, dateTime } from "../../../components/format";
import { label, t } from "../../../i18n";

type Operation = Schemas["Operation"];

interface Described {
  text: string;
  details: string[];
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
const size = (value: unknown): string => (typeof value === "number" ? bytes(value) : t("common.unknown"));

/** Return the result in one sentence, and the single findings. The form of a result depends on its kind. */
export function resultOf({ kind, result }: Operation): Described {
  switch (kind) {
    case "REMOVE":
    case "PRUNE":
      return Array.isArray(result["forecast"]) ? forecast(result) : removed(result);
    case "DELETE_CONFIGURATION":
      return deleted(result);
    case "CHECK":
      return check(result);
    case "UNLOCK":
      return {
        text: t("history.operations.unlocked", { count: Number(result["removed"]) }),
        details: (result["left"] as Lock[]).map(lockText),
      };
    default:
      return verification(result);
  }
}

interface Lock {
  name: string;
  time?: string;
  username?: string;
  hostname?: string;
  pid?: number;
}

function lockText({ name, time, username, hostname, pid }: Lock): string {
  const owner = { user: username ?? "", host: hostname ?? "", pid: String(pid), time: time ? dateTime(time) : "" };
  return pid === undefined ? t("history.operations.lockUnreadable", { name }) : t("history.operations.lockLeft", owner);
}

function removed(result: Operation["result"]): Described {
  const count = Array.isArray(result["removed"]) ? result["removed"].length : 0;
  return { text: t("history.operations.removed", { count, bytes: size(result["freed_bytes"]) }), details: [] };
}

function deleted(result: Operation["result"]): Described {
  const count = Array.isArray(result["removed"]) ? result["removed"].length : 0;
  return { text: t("history.operations.configurationDeleted", { count }), details: [] };
}

function forecast(result: Operation["result"]): Described {
  const places = result["forecast"] as { storage_path: string; freed_bytes: number; young_bytes: number }[];
  return {
    text: t("history.operations.forecast", {
      count: Number(result["going"]),
      bytes: size(places.reduce((sum, one) => sum + one.freed_bytes, 0)),
    }),
    details: places
      .filter((one) => one.young_bytes > 0)
      .map((one) =>
        t("history.operations.young", {
          place: one.storage_path || t("history.page.mainPlace"),
          bytes: size(one.young_bytes),
        }),
      ),
  };
}

function check(result: Operation["result"]): Described {
  const findings = texts(result["findings"]);
  return {
    text: t(result["is_sound"] === true ? "history.operations.sound" : "history.operations.unsound", {
      count: Number(result["findings_count"]),
      snapshots: Number(result["snapshots"]),
      packs: Number(result["packs"]),
    }),
    details: findings,
  };
}

function verification(result: Operation["result"]): Described {
  const findings = texts(result["findings"]);
  const trust = typeof result["trust"] === "string" ? result["trust"] : "";
  const verified = t("history.operations.verified", { trust: label("trust", trust) });
  const counted = t("history.operations.findings", { count: Number(result["findings_count"]) });
  return { text: findings.length > 0 ? `${verified} ${counted}:` : verified, details: findings };
}
