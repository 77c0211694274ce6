export const configurations = {
  title: "Configurations",
} as const;
