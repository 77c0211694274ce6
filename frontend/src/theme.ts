/** Colours and shapes, with enough contrast for small text in both schemes. */

import { createTheme, type CSSVariablesResolver } from "@mantine/core";

import classes from "./theme.module.css";

export const theme = createTheme({
  primaryColor: "indigo",
  primaryShade: { light: 7, dark: 7 },
  autoContrast: true,
  luminanceThreshold: 0.4,
  defaultRadius: "sm",
  respectReducedMotion: true,
  ...(classes["focus"] && { focusClassName: classes["focus"] }),
  cursorType: "pointer",
  components: {
    Input: { classNames: { input: classes["field"] } },
    // A menu starts with its first item focused.
    Menu: { defaultProps: { withInitialFocusPlaceholder: false } },
    Switch: { classNames: { track: classes["drawn"] } },
    Radio: { classNames: { radio: classes["drawn"], icon: classes["drawn"] } },
    Checkbox: { classNames: { input: classes["drawn"], icon: classes["drawn"] } },
    CheckboxIndicator: { classNames: { indicator: classes["drawn"] } },
    SegmentedControl: { classNames: { root: classes["drawn"] } },
    Progress: { classNames: { root: classes["drawn"] } },
    Tabs: { classNames: { tab: classes["tab"] } },
    // The header of a dialog is not a banner of the page.
    Modal: { defaultProps: { attributes: { header: { role: "presentation" } } } },
    Drawer: { defaultProps: { attributes: { header: { role: "presentation" } } } },
  },
});

/** Mantine's greys, reds and greens are too faint for small text, and its focus rings too faint in the dark. */
export const contrast: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--edms-focus": "var(--mantine-color-indigo-7)",
    "--mantine-color-dimmed": "var(--mantine-color-gray-7)",
    "--mantine-color-placeholder": "var(--mantine-color-gray-7)",
    "--mantine-color-error": "var(--mantine-color-red-9)",
    "--mantine-color-red-filled": "var(--mantine-color-red-9)",
    "--mantine-color-red-filled-hover": "#b02525",
    "--mantine-color-red-text": "var(--mantine-color-red-9)",
    "--mantine-color-red-outline": "var(--mantine-color-red-9)",
    "--mantine-color-red-light-color": "#a61e1e",
    "--mantine-color-green-text": "#1f6b30",
    "--mantine-color-green-light-color": "#1f6b30",
    "--mantine-color-yellow-light-color": "#7a4a00",
    "--mantine-color-blue-light-color": "#1864ab",
    "--mantine-color-gray-light-color": "var(--mantine-color-gray-8)",
  },
  dark: {
    "--edms-focus": "var(--mantine-color-indigo-4)",
    "--mantine-color-dimmed": "var(--mantine-color-dark-1)",
    "--mantine-color-placeholder": "var(--mantine-color-dark-1)",
    "--mantine-color-error": "var(--mantine-color-red-4)",
    "--mantine-color-red-filled": "var(--mantine-color-red-9)",
    "--mantine-color-red-filled-hover": "#b02525",
    "--mantine-color-red-text": "var(--mantine-color-red-4)",
    "--mantine-color-red-outline": "var(--mantine-color-red-4)",
  },
});
