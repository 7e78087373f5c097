"""Who executes a job: `direct` in this process, `tfx_local` as TFX pipelines."""
