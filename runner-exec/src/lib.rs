//! Tasks, their order, their processes, and the reaction to failures.
//!
//! [`discover()`] reads a directory, [`Plan`] orders its tasks, [`Chain`] decides the next step,
//! [`launch()`] runs a process to its end, and [`Run`] drives the chain. [`Event`]s report it.

mod chain;
mod digest;
mod plan;
mod private_directory;
mod process;
mod run;
mod same_file;
mod state;
mod trust;

pub use crate::{
    chain::{
        Chain, ChainEnd, Consequence, Node, Step, TaskId,
        backoff::delay,
        drill::{DrilledTask, Failure, Reaction, Standing},
        verdict::{TaskResult, Verdict},
        worst_case::{TimedTask, longest},
    },
    plan::{
        HookCommand, Plan, Task,
        discover::{DirEntry, Kind, discover, similar_directory},
        task_name::TaskName,
    },
    private_directory::PrivateDirectory,
    process::{
        Children, Ended, Latch, LimitSetting, Limits, Original, Process, StopRequest, StopSignals,
        Supervised, Supervisor, TimeLimit,
        command::{CommandLine, Streams, path_of_tasks},
        end_everything,
        file_format::FileFormat,
        launch,
        outcome::{Outcome, Signal, StartFailure},
        pause, pause_until, survive_file_size_limit,
    },
    run::{
        Reload, Runs, RunsEnd,
        drill::Drilled,
        environment::{
            Environment, HaltReason, SMALL_ADDRESS_SPACE, TaskContext, small_address_space,
        },
        event::{Before, Count, Deciding, Event, Fate, Leaver, Next},
        hook::{HookOf, Phase, RunPhase, TaskStats},
        longest_run::Unlimited,
        output_line::{OutputLine, TAIL_LINES, last_lines},
        outputs::{MAX_OUTPUTS_BYTES, Outputs, Variables, format_outputs, parse_outputs},
        run_hook::RunStats,
        run_id::RunId,
        step::Run,
        task_logs::{Logs, tail},
        tools::{Launcher, Outlet, Sink, Tools},
    },
    same_file::{is_same, is_same_file, open_metadata},
    state::{
        Busy, Lock, Marks, NoLock, StateDir, Taken, boot_id, canonical, create_directory,
        distrusted_marks, host_name, is_lack, machine_digest, machine_id, open_file,
        stored_outputs, sync_directory,
    },
    trust::{
        Distrust, End, Env, Named, Trust, TrustCheck, Walk, Why, behind_env, named, split_argument,
        user_id,
    },
};
