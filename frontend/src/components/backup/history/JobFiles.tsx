export default function JobFiles({ job }: { job: { job_name: string } }) { return <>{job.job_name}</>; }
