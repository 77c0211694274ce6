/** The search, filters, order and layout of the list. All of them stand in the address. */

import { Group, SegmentedControl, Select } from "@mantine/core";

import type { ConfigurationsQuery } from "../../../api/queries";
import { SearchField } from "../../../components/SearchField";
import { useUrlFilters } from "../../../components/urlFilters";
import { label, t } from "../../../i18n";
import { TYPES } from "./formValues";

const ORDERINGS = {
  name: "name",
  "-name": "nameDown",
  "-created_at": "created",
  created_at: "createdUp",
  "-updated_at": "updated",
  updated_at: "updatedUp",
} as const;
type Ordering = keyof typeof ORDERINGS;

function known<Value extends string>(value: string | null, values: readonly Value[]): Value | undefined {
  return values.find((one) => one === value);
}

/** Return what the address asks for. Unknown values are ignored. */
export function useListView() {
  const { params, setFilter: set } = useUrlFilters();
  const ordering = known(params.get("ordering"), Object.keys(ORDERINGS) as Ordering[]) ?? "name";
  const type = known(params.get("type"), TYPES);
  const enabled = known(params.get("enabled"), ["true", "false"]);
  const search = params.get("search") ?? "";
  const query: ConfigurationsQuery = {
    ordering,
    limit: 50,
    ...(search && { search }),
    ...(type && { backup_type: type }),
    ...(enabled && { is_enabled: enabled === "true" }),
  };
  const layout = params.get("view") === "grid" ? "grid" : "table";
  return {
    query,
    search,
    type,
    enabled,
    ordering,
    layout,
    set,
    hasFilters: Boolean(search || type || enabled),
  } as const;
}

export function ConfigurationFilters({ view }: { view: ReturnType<typeof useListView> }) {
  return (
    <Group gap="sm" align="flex-end" mb="md">
      <SearchField
        label={t("configurations.search")}
        value={view.search}
        onChange={(text) => view.set("search", text)}
      />
      <Select
        label={t("configurations.filterType")}
        data={TYPES.map((value) => ({ value, label: label("backupType", value) }))}
        value={view.type ?? null}
        onChange={(value) => view.set("type", value)}
        placeholder={t("configurations.all")}
        clearable
        clearButtonProps={{ "aria-label": t("configurations.clear") }}
        w="11rem"
      />
      <Select
        label={t("configurations.filterEnabled")}
        data={[
          { value: "true", label: t("configurations.on") },
          { value: "false", label: t("configurations.off") },
        ]}
        value={view.enabled ?? null}
        onChange={(value) => view.set("enabled", value)}
        placeholder={t("configurations.all")}
        clearable
        clearButtonProps={{ "aria-label": t("configurations.clear") }}
        w="7rem"
      />
      <Select
        label={t("configurations.sort")}
        data={Object.entries(ORDERINGS).map(([value, key]) => ({ value, label: t(`configurations.sortBy.${key}`) }))}
        value={view.ordering}
        onChange={(value) => view.set("ordering", value === "name" ? null : value)}
        allowDeselect={false}
        w="13rem"
      />
      <SegmentedControl
        visibleFrom="sm"
        aria-label={t("configurations.layout")}
        data={[
          { value: "table", label: t("configurations.table") },
          { value: "grid", label: t("configurations.grid") },
        ]}
        value={view.layout}
        onChange={(value) => view.set("view", value === "grid" ? "grid" : null)}
      />
    </Group>
  );
}
