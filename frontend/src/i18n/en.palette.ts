export const palette = {
  title: "Search and jump",
  open: "Search",
  placeholder: "Name of a document, configuration, job or view",
  results: "Results",
  nothing: "No results.",
  action: "Action",
  configuration: "Configuration",
  job: "Job",
  document: "Document",
  page: "Page",
  failed: "Failed jobs",
} as const;
