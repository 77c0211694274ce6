/** Colours and shapes; enough contrast for small text in both schemes. */

import { createTheme } from "@mantine/core";

export const theme = createTheme({
  primaryColor: "indigo",
  primaryShade: { light: 7, dark: 5 },
  autoContrast: true,
  luminanceThreshold: 0.4,
  defaultRadius: "sm",
  respectReducedMotion: true,
  cursorType: "pointer",
});
