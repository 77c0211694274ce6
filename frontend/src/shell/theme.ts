/** Colours and shapes; enough contrast for small text in both schemes. */

import { createTheme, type CSSVariablesResolver } from "@mantine/core";

export const theme = createTheme({
  primaryColor: "indigo",
  primaryShade: { light: 7, dark: 7 },
  autoContrast: true,
  luminanceThreshold: 0.4,
  defaultRadius: "sm",
  respectReducedMotion: true,
  cursorType: "pointer",
});

/** Text that steps back, and text on tinted ground: Mantine's own has too little contrast to be read when it is small. */
export const readable: CSSVariablesResolver = ({ colors }) => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": colors.gray[7],
    "--mantine-color-placeholder": colors.gray[7],
    "--mantine-color-error": colors.red[9],
    "--mantine-color-green-light-color": "#1d5c2a",
    "--mantine-color-yellow-light-color": "#7a4300",
    "--mantine-color-red-light-color": "#a01c1c",
    "--mantine-color-blue-light-color": "#124a80",
  },
  dark: {
    "--mantine-color-dimmed": colors.dark[1],
    "--mantine-color-placeholder": colors.dark[1],
    "--mantine-color-error": colors.red[4],
  },
});
