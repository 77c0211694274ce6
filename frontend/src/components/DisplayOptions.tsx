/** How the pages look and speak: language, theme, density and time format. The account menu and the settings share it. */

import { NativeSelect, type MantineColorScheme, Stack, useMantineColorScheme } from "@mantine/core";

import { LANGUAGES, languageName, t } from "../i18n";
import { type Preferences, setPreferences, usePreferences } from "./preferences";

interface Choice {
  name: "language" | "theme" | "density" | "clock";
  value: string;
  options: { value: string; label: string }[];
  set: (value: string) => void;
}

/** Return each choice with its options, and the function that takes it. */
function useChoices(): Choice[] {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const preferences = usePreferences();
  const option = (key: Parameters<typeof t>[0], value: string) => ({ value, label: t(key) });
  return [
    {
      name: "language",
      value: preferences.language,
      options: [
        option("common.display.browser", ""),
        ...LANGUAGES.map((code) => ({ value: code, label: languageName(code) })),
      ],
      set: (language) => setPreferences({ language }),
    },
    {
      name: "theme",
      value: colorScheme,
      options: [
        option("common.display.auto", "auto"),
        option("common.display.light", "light"),
        option("common.display.dark", "dark"),
      ],
      set: (scheme) => setColorScheme(scheme as MantineColorScheme),
    },
    {
      name: "density",
      value: preferences.density,
      options: [option("common.display.comfortable", "comfortable"), option("common.display.compact", "compact")],
      set: (density) => setPreferences({ density: density as Preferences["density"] }),
    },
    {
      name: "clock",
      value: preferences.clock,
      options: [
        option("common.display.byLanguage", "auto"),
        option("common.display.hours24", "24"),
        option("common.display.hours12", "12"),
      ],
      set: (clock) => setPreferences({ clock: clock as Preferences["clock"] }),
    },
  ];
}

/** The choices as fields. */
export function DisplayFields() {
  return (
    <Stack gap="sm" maw={360}>
      {useChoices().map(({ name, value, options, set }) => (
        <NativeSelect
          key={name}
          label={t(`common.display.${name}`)}
          data={options}
          value={value}
          onChange={(event) => set(event.currentTarget.value)}
        />
      ))}
    </Stack>
  );
}
