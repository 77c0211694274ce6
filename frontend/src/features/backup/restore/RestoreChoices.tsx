/** The choice of contents and target, as far as they fit together. */

import { Radio, Stack, TextInput } from "@mantine/core";
import type { ReactNode } from "react";

import { t } from "../../../i18n";
import { asAccess, asPart, asTarget, type Choices, type Part, type Target } from "./choices";

/**
 * The contents of a source, everything first, and whether tables can be excluded. `backup` is the job that created it.
 */
export interface Source {
  about: ReactNode;
  backup?: string;
  holds: Part[];
  portable: boolean;
}

const NAMES = { "": "all", database: "database", files: "files", paths: "paths", tables: "tables" } as const;

/** Return why the contents cannot go to the target, or null. */
function targetObstacle(part: Part, target: Target, source: Source): string | null {
  const named = part === "paths" || part === "tables";
  if (target === "live") {
    return named ? t("restore.choices.namedLive") : null;
  }
  if (target === "folder") {
    return part === source.holds[0] || part === "paths" ? null : t("restore.choices.folderWhole");
  }
  return part === "files" || part === "paths" ? t("restore.choices.noDatabase") : null;
}

const TARGETS: readonly Target[] = ["live", "folder", "database"];

/** Return the choices with valid contents and a valid target. */
export function withValidTarget(choices: Choices, source: Source): Choices {
  const part = source.holds.includes(choices.part) ? choices.part : (source.holds[0] ?? "");
  const possible = TARGETS.filter((target) => targetObstacle(part, target, source) === null);
  const target = possible.includes(choices.target) ? choices.target : (possible[0] ?? "live");
  return { ...choices, part, target };
}

interface PartProps {
  source: Source;
  choices: Choices;
  change: (changes: Partial<Choices>) => void;
}

export function ContentChoice({ source, choices, change }: PartProps) {
  return (
    <Radio.Group
      label={t("restore.choices.what")}
      value={choices.part}
      onChange={(value) => change({ part: asPart(value) })}
    >
      <Stack gap="xs" mt="xs">
        {source.holds.map((part, index) => (
          <Radio
            key={part}
            value={part}
            label={t(`restore.choices.${NAMES[part]}`)}
            description={
              index === 0 && part !== "" ? t("restore.choices.onlyThis") : t(`restore.choices.${NAMES[part]}Text`)
            }
          />
        ))}
      </Stack>
    </Radio.Group>
  );
}

/** The choice to remove or keep the sessions and tokens in a database that goes live. */
export function AccessChoice({ choices, change }: Omit<PartProps, "source">) {
  const value = choices.dropAccess === null ? "rule" : choices.dropAccess ? "drop" : "keep";
  return (
    <Radio.Group
      label={t("restore.choices.access")}
      description={t("restore.choices.accessText")}
      value={value}
      onChange={(chosen) => change({ dropAccess: asAccess(chosen) })}
    >
      <Stack gap="xs" mt="xs">
        {(["rule", "drop", "keep"] as const).map((one) => (
          <Radio key={one} value={one} label={t(`restore.choices.accessValues.${one}`)} />
        ))}
      </Stack>
    </Radio.Group>
  );
}

export function TargetChoice({ source, choices, change, wrongName }: PartProps & { wrongName: string | undefined }) {
  const texts = { live: "liveText", folder: "folderText", database: "newDatabaseText" } as const;
  return (
    <Stack gap="xs">
      <Radio.Group
        label={t("restore.choices.where")}
        value={choices.target}
        onChange={(value) => change({ target: asTarget(value) })}
      >
        <Stack gap="xs" mt="xs">
          {TARGETS.map((target) => {
            const not = targetObstacle(choices.part, target, source);
            return (
              <Radio
                key={target}
                value={target}
                label={t(`restore.choices.${target === "database" ? "newDatabase" : target}`)}
                description={not ?? t(`restore.choices.${texts[target]}`)}
                disabled={not !== null}
              />
            );
          })}
        </Stack>
      </Radio.Group>
      {choices.target !== "live" && (
        <TextInput
          label={t(`restore.choices.${choices.target}Name`)}
          description={t(`restore.choices.${choices.target}Help`)}
          value={choices.name}
          onChange={(event) => change({ name: event.currentTarget.value })}
          error={wrongName}
          maw="24rem"
          ml="xl"
          required
        />
      )}
    </Stack>
  );
}
