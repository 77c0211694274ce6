/** The filters of the history. Each choice is in the address at once; the search waits for a pause. */

import { Button, Group, MultiSelect, NativeSelect, Paper, Select, SimpleGrid, TextInput } from "@mantine/core";
import { useDebouncedValue, useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { useApi } from "../../../api/ApiProvider";
import { configurationsQuery } from "../../../api/queries";
import { SearchField } from "../../../components/SearchField";
import { label, t } from "../../../i18n";
import {
  dayOf,
  type FilterName,
  hasFilters,
  NAMES,
  STATUSES,
  TRIGGERS,
  TRUSTS,
  TYPES,
  withFilter,
} from "./jobFilterParams";
import classes from "./History.module.css";

const DEBOUNCE_MS = 300;

interface Props {
  params: URLSearchParams;
  onChange: (params: URLSearchParams) => void;
}

export function JobFilters({ params, onChange }: Props) {
  // On a small screen the filters start closed, so that the jobs come first.
  const [opened, { toggle }] = useDisclosure(false);
  const set = (name: FilterName, values: string[]) => onChange(withFilter(params, name, values));
  const clear = () => onChange(NAMES.reduce((all, name) => withFilter(all, name, []), params));
  const choice = (name: "type" | "trigger" | "trust", any: string, options: [string, string][]) => (
    <NativeSelect
      label={t(`history.${name}`)}
      value={params.get(name) ?? ""}
      onChange={(event) => set(name, [event.currentTarget.value])}
      data={[{ value: "", label: any }, ...options.map(([value, text]) => ({ value, label: text }))]}
    />
  );
  const chosen = NAMES.filter((name) => name !== "q" && params.has(name)).length;
  return (
    <Paper component="search" withBorder p="sm" aria-label={t("history.filters")}>
      <Group align="end" gap="xs">
        <SearchField
          label={t("history.search")}
          placeholder={t("history.searchHint")}
          value={params.get("q") ?? ""}
          onChange={(value) => set("q", [value])}
        />
        <Button hiddenFrom="sm" variant="default" aria-expanded={opened} onClick={toggle}>
          {chosen > 0 ? t("history.filtersChosen", { count: chosen }) : t("history.filters")}
        </Button>
        {hasFilters(params) && (
          <Button variant="default" onClick={clear}>
            {t("history.clear")}
          </Button>
        )}
      </Group>
      <SimpleGrid
        cols={{ base: 1, xs: 2, sm: 3, lg: 4 }}
        spacing="sm"
        verticalSpacing="xs"
        mt="xs"
        {...(opened ? {} : { visibleFrom: "sm" })}
      >
        <MultiSelect
          label={t("history.status")}
          value={params.getAll("status")}
          onChange={(values) => set("status", values)}
          data={STATUSES.map((value) => ({ value, label: label("jobStatus", value) }))}
          {...(params.has("status") ? {} : { placeholder: t("history.anyStatus") })}
          clearable
        />
        {choice(
          "type",
          t("history.anyType"),
          TYPES.map((one) => [one, label("backupType", one)]),
        )}
        <Configurations value={params.get("configuration")} onChange={(value) => set("configuration", [value ?? ""])} />
        {choice(
          "trigger",
          t("history.anyTrigger"),
          TRIGGERS.map((one) => [one, label("trigger", one)]),
        )}
        {choice(
          "trust",
          t("history.anyTrust"),
          TRUSTS.map((one) => [one, label("trust", one)]),
        )}
        <NativeSelect
          label={t("history.kept")}
          value={params.get("kept") ?? ""}
          onChange={(event) => set("kept", [event.currentTarget.value])}
          data={[
            { value: "", label: t("history.anyKept") },
            { value: "yes", label: t("history.withBackup") },
            { value: "no", label: t("history.withoutBackup") },
          ]}
        />
        <Group grow gap="xs" wrap="nowrap" className={classes["days"] ?? ""}>
          {(["after", "before"] as const).map((name) => (
            <TextInput
              key={name}
              type="date"
              label={t(`history.${name}`)}
              value={dayOf(params, name)}
              onChange={(event) => set(name, [event.currentTarget.value])}
            />
          ))}
        </Group>
      </SimpleGrid>
    </Paper>
  );
}

function Configurations({ value, onChange }: { value: string | null; onChange: (value: string | null) => void }) {
  const [text, setText] = useState("");
  const [search] = useDebouncedValue(text, DEBOUNCE_MS);
  const { data } = useQuery(
    configurationsQuery(useApi(), { limit: 50, ...(search && { search: search.slice(0, 100) }) }),
  );
  const options = (data?.results ?? []).map((one) => ({ value: one.uuid, label: one.name }));
  if (value && !options.some((one) => one.value === value)) {
    options.push({ value, label: `${value.slice(0, 8)}…` });
  }
  return (
    <Select
      label={t("history.configuration")}
      placeholder={t("history.anyConfiguration")}
      value={value}
      onChange={onChange}
      onSearchChange={setText}
      data={options}
      searchable
      clearable
    />
  );
}
