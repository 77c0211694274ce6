/** The fields of the form in their order. */

import {
  Accordion,
  Checkbox,
  Fieldset,
  Group,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  Text,
  Textarea,
  TextInput,
} from "@mantine/core";

import { label, t } from "../../../i18n";
import { ADVANCED_FIELDS, FIELDS, type NumberField } from "./configurationFields";
import { type Draft, FREQUENCIES, TYPES } from "./formValues";

export interface FieldsProps {
  draft: Draft;
  change: (changes: Partial<Draft>) => void;
  /** The error of a field, from the server. */
  errorOf: (field: keyof Draft) => string | undefined;
}

/** A whole number or an empty field. */
interface WholeNumberFieldProps extends FieldsProps {
  field: NumberField;
  label: string;
  description?: string;
}

function WholeNumberField({ draft, change, errorOf, field, ...text }: WholeNumberFieldProps) {
  return (
    <NumberInput
      {...text}
      min={FIELDS[field].min}
      max={FIELDS[field].max}
      value={draft[field]}
      onChange={(value) => change({ [field]: value === "" ? "" : Number(value) })}
      error={errorOf(field)}
      allowDecimal={false}
      allowNegative={false}
      clampBehavior="none"
      hideControls
      inputMode="numeric"
    />
  );
}

function options<Value extends string>(group: Parameters<typeof label>[0], values: Value[]) {
  return values.map((value) => ({ value, label: label(group, value) }));
}

export function BasicFields({ draft, change, errorOf }: FieldsProps) {
  return (
    <Stack gap="sm">
      <TextInput
        label={t("configurations.form.name")}
        description={t("configurations.form.nameHelp")}
        value={draft.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
        error={errorOf("name")}
        maxLength={100}
        required
        data-autofocus
      />
      <Textarea
        label={t("configurations.form.description")}
        value={draft.description}
        onChange={(event) => change({ description: event.currentTarget.value })}
        error={errorOf("description")}
        autosize
        minRows={1}
        maxRows={5}
      />
      <Select
        label={t("configurations.form.type")}
        description={t(`configurations.form.typeHelp.${draft.backup_type}`)}
        data={options("backupType", TYPES)}
        value={draft.backup_type}
        onChange={(value) => value && change({ backup_type: value })}
        error={errorOf("backup_type")}
        allowDeselect={false}
      />
    </Stack>
  );
}

export function ScheduleFields(props: FieldsProps & { zone: string | undefined }) {
  const { draft, change, errorOf, zone } = props;
  const { frequency } = draft;
  return (
    <Fieldset legend={t("configurations.schedule")}>
      <Stack gap="sm">
        <Group grow align="flex-start" preventGrowOverflow={false}>
          <Select
            label={t("configurations.form.frequency")}
            data={options("frequency", FREQUENCIES)}
            value={frequency}
            onChange={(value) => value && change({ frequency: value })}
            error={errorOf("frequency")}
            allowDeselect={false}
          />
          {frequency !== "ON_DEMAND" && (
            <TextInput
              type="time"
              label={t("configurations.form.time")}
              value={draft.schedule_time}
              onChange={(event) => change({ schedule_time: event.currentTarget.value })}
              error={errorOf("schedule_time")}
            />
          )}
        </Group>
        {frequency === "WEEKLY" && <Days draft={draft} change={change} errorOf={errorOf} />}
        {frequency === "MONTHLY" && (
          <WholeNumberField
            {...{ draft, change, errorOf }}
            field="schedule_day_of_month"
            label={t("configurations.form.dayOfMonth")}
            description={t("configurations.form.dayOfMonthHelp")}
          />
        )}
        {frequency !== "ON_DEMAND" && zone && (
          <Text size="sm" c="dimmed">
            {t("configurations.form.timeHelp", { zone })}
          </Text>
        )}
        <Switch
          label={t("configurations.form.enabled")}
          checked={draft.is_enabled}
          onChange={(event) => change({ is_enabled: event.currentTarget.checked })}
          error={errorOf("is_enabled")}
        />
      </Stack>
    </Fieldset>
  );
}

function Days({ draft, change, errorOf }: FieldsProps) {
  return (
    <Checkbox.Group
      label={t("configurations.form.days")}
      value={draft.schedule_days.map(String)}
      onChange={(days) => change({ schedule_days: days.map(Number) })}
      error={errorOf("schedule_days")}
    >
      <Group gap="xs" mt={4}>
        {t("configurations.form.dayNames")
          .split(",")
          .map((name, day) => (
            <Checkbox.Card key={name} value={String(day)} px="xs" py={4} w="auto" aria-label={name}>
              <Group gap={6} wrap="nowrap">
                <Checkbox.Indicator size="xs" />
                <Text size="sm">{name.slice(0, 3)}</Text>
              </Group>
            </Checkbox.Card>
          ))}
      </Group>
    </Checkbox.Group>
  );
}

export function RetentionFields(props: FieldsProps) {
  return (
    <Fieldset legend={t("configurations.form.retention")}>
      <Stack gap="sm">
        <SimpleGrid cols={2}>
          <WholeNumberField {...props} field="retention_days" label={t("configurations.form.retentionDays")} />
          <WholeNumberField {...props} field="max_backups" label={t("configurations.form.maxBackups")} />
        </SimpleGrid>
        <div>
          <Text size="sm" fw={500}>
            {t("configurations.form.keep")}
          </Text>
          <Text size="xs" c="dimmed">
            {t("configurations.form.keepHelp")}
          </Text>
        </div>
        <SimpleGrid cols={{ base: 2, xs: 4 }}>
          <WholeNumberField {...props} field="keep_daily" label={t("configurations.form.keepDaily")} />
          <WholeNumberField {...props} field="keep_weekly" label={t("configurations.form.keepWeekly")} />
          <WholeNumberField {...props} field="keep_monthly" label={t("configurations.form.keepMonthly")} />
          <WholeNumberField {...props} field="keep_yearly" label={t("configurations.form.keepYearly")} />
        </SimpleGrid>
      </Stack>
    </Fieldset>
  );
}

/** Fields that are rarely changed. Open when one has an error, or when it cannot be opened. */
export function AdvancedFields({ opened, ...props }: FieldsProps & { opened: boolean }) {
  const { draft, change, errorOf } = props;
  const open = opened || ADVANCED_FIELDS.some((field) => errorOf(field));
  return (
    <Accordion variant="contained" key={String(open)} defaultValue={open ? "details" : null} order={3}>
      <Accordion.Item value="details">
        <Accordion.Control>{t("configurations.form.details")}</Accordion.Control>
        <Accordion.Panel>
          <Stack gap="sm">
            <TextInput
              label={t("configurations.form.storagePath")}
              description={t("configurations.form.storagePathHelp")}
              value={draft.storage_path}
              onChange={(event) => change({ storage_path: event.currentTarget.value })}
              error={errorOf("storage_path")}
            />
            <WholeNumberField
              {...props}
              field="time_limit_minutes"
              label={t("configurations.form.timeLimit")}
              description={t("configurations.form.timeLimitHelp")}
            />
            <Switch
              label={t("configurations.form.compression")}
              checked={draft.compression_enabled}
              onChange={(event) => change({ compression_enabled: event.currentTarget.checked })}
            />
            <Switch
              label={t("configurations.form.encryption")}
              description={draft.encryption_enabled ? undefined : t("configurations.form.encryptionOff")}
              checked={draft.encryption_enabled}
              onChange={(event) => change({ encryption_enabled: event.currentTarget.checked })}
              error={errorOf("encryption_enabled")}
            />
            {(["include", "exclude"] as const).map((field) => (
              <Textarea
                key={field}
                label={t(`configurations.form.${field}`)}
                description={t(`configurations.form.${field}Help`)}
                value={draft[field]}
                onChange={(event) => change({ [field]: event.currentTarget.value })}
                error={errorOf(field)}
                autosize
                minRows={1}
                maxRows={8}
                styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
              />
            ))}
          </Stack>
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  );
}
