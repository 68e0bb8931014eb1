/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is to be known of a program to run it as a task, and the tasks and executors for that.
 *
 * A command is a call of the function "command" in a worker that comes with the library (command-worker/).
 * docs/protocol.md has its arguments and its result.
 *
 * Threads: a command belongs to any thread, one at a time. */

#include "config.h"

#include "command/ferry-command-private.h"
#include "command/ferry-command.h"

#include <signal.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-property-private.h"
#include "ferry-enums.h"
#include "pool/ferry-run-private.h"
#include "process/ferry-attributes-private.h"
#include "process/ferry-launcher-private.h"
#include "process/ferry-own-program-private.h"

#define USUAL_OUTPUT_LIMIT (G_GUINT64_CONSTANT (1) << 20)

/* A result with a larger output is in memory or a file. */
#define LARGE_OUTPUT USUAL_OUTPUT_LIMIT

/* In bytes. A task whose input is larger has it as bytes of its own, which are gone at its end. */
#define LARGE_INPUT (16 * 1024)

/* The worker's program, and the environment variable with its path. */
#define PROGRAM "ferry-command"
#define VARIABLE "FERRY_COMMAND"

/**
 * FerryCommand:
 *
 * A program and its arguments, to be run as a task.
 *
 * [ctor@Ferry.Executor.new_for_commands] makes an executor for commands, and [method@Ferry.Executor.submit_command]
 * submits one. The task is like any other: it has progress, a text, priorities, deadlines and retries, and can be
 * cancelled. Its result has the type `(iayay)`: the exit status, what the command wrote to its standard output, and the
 * last part of what it wrote to its standard error. A task that fails or is cancelled has the same in
 * [property@Ferry.Task:partial-result], where the status of a command that a signal killed is the signal's number below
 * 0.
 *
 * What the command writes comes as [signal@Ferry.Task::message], too:
 *
 * - `newest-line` and `newest-error-line`, with an `s`: a line to show, some ten times in a second: valid UTF-8 without
 *   terminal sequences and blanks at its ends, and never empty. What a program draws over has a line for each time.
 * - `line` and `error-line`, with an `ay`, in place of those, where [property@Ferry.Command:all-lines] is set: each
 * line as it was written, without its `\n` or `\r\n`. Of a line of more than 16 KiB, all but the last part come as
 *   `line-part` and `error-line-part`.
 * - `output-truncated`, with a `(tt)`, before the end: at which place of the output in the result bytes are missing,
 * and how many, since there were more than [property@Ferry.Command:output-limit].
 *
 * There is no shell: the arguments reach the program as they are. A submission takes the values that the properties
 * have at that moment. So a command may be changed and submitted again.
 *
 * The command runs in a session of its own, without a terminal. It begins with the environment, the folder and the file
 * mode creation mask of the application as they are when the task is made. Its standard input is `/dev/null`, unless it
 * is given another one.
 *
 * A command belongs to one thread at a time, which may be any.
 */
struct _FerryCommand
{
  GObject parent_instance;

  char **argv;
  char **environment;
  char *directory;
  int umask;
  GBytes *input;
  char *input_file;
  char *output_file;
  guint64 output_limit;
  gboolean fail_at_output_limit;
  gboolean merge_streams;
  gboolean all_lines;
  gboolean terminal;
  gboolean interactive;
  FerryCommandProgress progress;
  char *progress_pattern;
  char *progress_program;
  double total;
  char *unit;
  int cancel_signal;
  GVariant *success_statuses;
  char **output_files;
  gboolean replace_output_files;
  gboolean end_session;
  gboolean cleans_up;
  gboolean polite;
  gboolean confined;
  char **readable_folders;
  char **writable_folders;
  gboolean network;
};

enum
{
  PROP_ARGV = 1,
  PROP_ENVIRONMENT,
  PROP_DIRECTORY,
  PROP_UMASK,
  PROP_INPUT,
  PROP_INPUT_FILE,
  PROP_OUTPUT_FILE,
  PROP_OUTPUT_LIMIT,
  PROP_FAIL_AT_OUTPUT_LIMIT,
  PROP_MERGE_STREAMS,
  PROP_ALL_LINES,
  PROP_TERMINAL,
  PROP_INTERACTIVE,
  PROP_PROGRESS,
  PROP_PROGRESS_PATTERN,
  PROP_PROGRESS_PROGRAM,
  PROP_TOTAL,
  PROP_UNIT,
  PROP_CANCEL_SIGNAL,
  PROP_SUCCESS_STATUSES,
  PROP_OUTPUT_FILES,
  PROP_REPLACE_OUTPUT_FILES,
  PROP_END_SESSION,
  PROP_CLEANS_UP,
  PROP_POLITE,
  PROP_CONFINED,
  PROP_READABLE_FOLDERS,
  PROP_WRITABLE_FOLDERS,
  PROP_NETWORK,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (FerryCommand, ferry_command, G_TYPE_OBJECT)

static const gsize fields[N_PROPERTIES] = {
  [PROP_ARGV] = G_STRUCT_OFFSET (FerryCommand, argv),
  [PROP_ENVIRONMENT] = G_STRUCT_OFFSET (FerryCommand, environment),
  [PROP_DIRECTORY] = G_STRUCT_OFFSET (FerryCommand, directory),
  [PROP_UMASK] = G_STRUCT_OFFSET (FerryCommand, umask),
  [PROP_INPUT] = G_STRUCT_OFFSET (FerryCommand, input),
  [PROP_INPUT_FILE] = G_STRUCT_OFFSET (FerryCommand, input_file),
  [PROP_OUTPUT_FILE] = G_STRUCT_OFFSET (FerryCommand, output_file),
  [PROP_OUTPUT_LIMIT] = G_STRUCT_OFFSET (FerryCommand, output_limit),
  [PROP_FAIL_AT_OUTPUT_LIMIT] = G_STRUCT_OFFSET (FerryCommand, fail_at_output_limit),
  [PROP_MERGE_STREAMS] = G_STRUCT_OFFSET (FerryCommand, merge_streams),
  [PROP_ALL_LINES] = G_STRUCT_OFFSET (FerryCommand, all_lines),
  [PROP_TERMINAL] = G_STRUCT_OFFSET (FerryCommand, terminal),
  [PROP_INTERACTIVE] = G_STRUCT_OFFSET (FerryCommand, interactive),
  [PROP_PROGRESS] = G_STRUCT_OFFSET (FerryCommand, progress),
  [PROP_PROGRESS_PATTERN] = G_STRUCT_OFFSET (FerryCommand, progress_pattern),
  [PROP_PROGRESS_PROGRAM] = G_STRUCT_OFFSET (FerryCommand, progress_program),
  [PROP_TOTAL] = G_STRUCT_OFFSET (FerryCommand, total),
  [PROP_UNIT] = G_STRUCT_OFFSET (FerryCommand, unit),
  [PROP_CANCEL_SIGNAL] = G_STRUCT_OFFSET (FerryCommand, cancel_signal),
  [PROP_SUCCESS_STATUSES] = G_STRUCT_OFFSET (FerryCommand, success_statuses),
  [PROP_OUTPUT_FILES] = G_STRUCT_OFFSET (FerryCommand, output_files),
  [PROP_REPLACE_OUTPUT_FILES] = G_STRUCT_OFFSET (FerryCommand, replace_output_files),
  [PROP_END_SESSION] = G_STRUCT_OFFSET (FerryCommand, end_session),
  [PROP_CLEANS_UP] = G_STRUCT_OFFSET (FerryCommand, cleans_up),
  [PROP_POLITE] = G_STRUCT_OFFSET (FerryCommand, polite),
  [PROP_CONFINED] = G_STRUCT_OFFSET (FerryCommand, confined),
  [PROP_READABLE_FOLDERS] = G_STRUCT_OFFSET (FerryCommand, readable_folders),
  [PROP_WRITABLE_FOLDERS] = G_STRUCT_OFFSET (FerryCommand, writable_folders),
  [PROP_NETWORK] = G_STRUCT_OFFSET (FerryCommand, network),
};

static gpointer
get_field (FerryCommand *self, guint property_id)
{
  return G_STRUCT_MEMBER_P (self, fields[property_id]);
}

static void
ferry_command_finalize (GObject *object)
{
  FerryCommand *self = FERRY_COMMAND (object);

  g_strfreev (self->argv);
  g_strfreev (self->environment);
  g_free (self->directory);
  g_clear_pointer (&self->input, g_bytes_unref);
  g_free (self->input_file);
  g_free (self->output_file);
  g_free (self->progress_pattern);
  g_free (self->progress_program);
  g_free (self->unit);
  g_clear_pointer (&self->success_statuses, g_variant_unref);
  g_strfreev (self->output_files);
  g_strfreev (self->readable_folders);
  g_strfreev (self->writable_folders);

  G_OBJECT_CLASS (ferry_command_parent_class)->finalize (object);
}

static void
ferry_command_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryCommand *self = FERRY_COMMAND (object);

  ferry_property_change (self, get_field (self, property_id), value, pspec);
}

static void
ferry_command_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryCommand *self = FERRY_COMMAND (object);

  ferry_property_read (get_field (self, property_id), value);
}

static void
install_start_properties (void)
{
  /**
   * FerryCommand:argv: (type GStrv)
   *
   * The program and its arguments. A program without a slash is searched for in `PATH` of
   * [property@Ferry.Command:environment]. The arguments need not be UTF-8.
   */
  properties[PROP_ARGV] = g_param_spec_boxed ("argv", NULL, NULL, G_TYPE_STRV, FERRY_SETTABLE);

  /**
   * FerryCommand:environment:
   *
   * The whole environment of the command, each variable as `NAME=value`: as [func@GLib.get_environ] gets it and
   * [func@GLib.environ_setenv] changes it. %NULL, the default, for the application's as it is when the task is made.
   */
  properties[PROP_ENVIRONMENT] = g_param_spec_boxed ("environment", NULL, NULL, G_TYPE_STRV, FERRY_SETTABLE);

  /**
   * FerryCommand:directory: (type filename)
   *
   * The folder where the command runs; %NULL, the default, for that where the application is when it makes the task.
   * Relative paths, of the command and of these properties, are from there on. A relative folder is from where the
   * application is.
   */
  properties[PROP_DIRECTORY] = g_param_spec_string ("directory", NULL, NULL, NULL, FERRY_SETTABLE);

  /**
   * FerryCommand:umask:
   *
   * Which rights the files that the command makes do not have, as of umask(), such as `0077` for none of others; -1,
   * the default, for the application's as it is when the task is made.
   */
  properties[PROP_UMASK] = g_param_spec_int ("umask", NULL, NULL, -1, 0777, -1, FERRY_SETTABLE);

  /**
   * FerryCommand:polite:
   *
   * Whether the command leaves processor and disk to others that want them (nice 10, idle input and output). %TRUE by
   * default.
   */
  properties[PROP_POLITE] = g_param_spec_boolean ("polite", NULL, NULL, TRUE, FERRY_SETTABLE);
}

static void
install_input_properties (void)
{
  /**
   * FerryCommand:input:
   *
   * What the command reads from its standard input; %NULL, the default, for nothing. The bytes may have any size. More
   * than 16 KiB are released at the task's end, so [method@Ferry.Executor.retry] refuses the task: give the data in a
   * file where users may try again.
   */
  properties[PROP_INPUT] = g_param_spec_boxed ("input", NULL, NULL, G_TYPE_BYTES, FERRY_SETTABLE);

  /**
   * FerryCommand:input-file: (type filename)
   *
   * A file that is the command's standard input, where it has no [property@Ferry.Command:input]; %NULL, the default,
   * for none.
   */
  properties[PROP_INPUT_FILE] = g_param_spec_string ("input-file", NULL, NULL, NULL, FERRY_SETTABLE);
}

static void
install_output_properties (void)
{
  /**
   * FerryCommand:output-file: (type filename)
   *
   * A file that the command's standard output goes to, which is made, or emptied. The result then has no output. Lines
   * of it come only with [property@Ferry.Command:all-lines]. %NULL, the default, for none.
   */
  properties[PROP_OUTPUT_FILE] = g_param_spec_string ("output-file", NULL, NULL, NULL, FERRY_SETTABLE);

  /**
   * FerryCommand:output-limit:
   *
   * How much of standard output the result has, in bytes. Of a command that writes more, it has the first and the last
   * part, and the message `output-truncated` says so. The last part is half of the limit, and at most 512 KiB. With 0
   * the result has none, for those who read the lines. The default is 1 MiB.
   *
   * `G_MAXUINT64` is no limit, for standard error as well, of which the result else has the last 64 KiB. What is more
   * than 1 MiB is in memory of its own then, and from 64 MiB on in a file without a name below `TMPDIR` or in
   * `/var/tmp`, so that a result may be larger than [property@Ferry.Router:max-message-size].
   */
  properties[PROP_OUTPUT_LIMIT] =
    g_param_spec_uint64 ("output-limit", NULL, NULL, 0, G_MAXUINT64, USUAL_OUTPUT_LIMIT, FERRY_SETTABLE);

  /**
   * FerryCommand:fail-at-output-limit:
   *
   * Whether a command that writes more than [property@Ferry.Command:output-limit] is ended, so that its task fails with
   * %G_IO_ERROR_MESSAGE_TOO_LARGE. What a program draws over, as a bar at a terminal, does not count. %FALSE by
   * default.
   */
  properties[PROP_FAIL_AT_OUTPUT_LIMIT] =
    g_param_spec_boolean ("fail-at-output-limit", NULL, NULL, FALSE, FERRY_SETTABLE);

  /**
   * FerryCommand:merge-streams:
   *
   * Whether standard error is part of standard output, in the order in which both were written. %FALSE by default.
   */
  properties[PROP_MERGE_STREAMS] = g_param_spec_boolean ("merge-streams", NULL, NULL, FALSE, FERRY_SETTABLE);

  /**
   * FerryCommand:all-lines:
   *
   * Whether each line that the command writes comes as [signal@Ferry.Task::message], as it was written. The command
   * then waits while the application has not taken its lines. Otherwise, which is the default, only the newest come,
   * some ten in a second. Who needs no copy in the result sets [property@Ferry.Command:output-limit] to 0.
   */
  properties[PROP_ALL_LINES] = g_param_spec_boolean ("all-lines", NULL, NULL, FALSE, FERRY_SETTABLE);
}

static void
install_terminal_properties (void)
{
  /**
   * FerryCommand:terminal:
   *
   * Whether the command writes to a terminal of 80 columns, in place of two pipes. This is for programs that say
   * nothing of their progress otherwise. Standard error is then part of standard output. %FALSE by default.
   */
  properties[PROP_TERMINAL] = g_param_spec_boolean ("terminal", NULL, NULL, FALSE, FERRY_SETTABLE);

  /**
   * FerryCommand:interactive:
   *
   * Whether the application answers what the command asks, such as `Password:` or `overwrite? [y/N]`. Its task emits
   * [signal@Ferry.Task::asks] then, and [method@Ferry.Task.answer] writes to the command's standard input, which stays
   * open, or to its terminal. Programs that ask for passwords mostly want a [property@Ferry.Command:terminal]. A
   * command that a function runs asks where the function's task is interactive ([property@Ferry.Task:interactive]).
   * %FALSE by default: then a command that asks finds the end of its input.
   */
  properties[PROP_INTERACTIVE] = g_param_spec_boolean ("interactive", NULL, NULL, FALSE, FERRY_SETTABLE);
}

static void
install_progress_properties (void)
{
  /**
   * FerryCommand:progress:
   *
   * How progress is read from what the command writes. The default is %FERRY_COMMAND_PROGRESS_AUTOMATIC.
   */
  properties[PROP_PROGRESS] = g_param_spec_enum ("progress", NULL, NULL, FERRY_TYPE_COMMAND_PROGRESS,
                                                 FERRY_COMMAND_PROGRESS_AUTOMATIC, FERRY_SETTABLE);

  /**
   * FerryCommand:progress-pattern:
   *
   * What is read, in the form that [property@Ferry.Command:progress] has; %NULL by default.
   *
   * For %FERRY_COMMAND_PROGRESS_PATTERN, a Perl-compatible regular expression with named groups: `percent` (of 100),
   * `fraction` (of 1), `done`, `total`, `left`, `text`, `task` and `tasks` (which one of how many), `phase` (each new
   * one counts as if one more followed, of four), and `step` (each match is one more of `total`). One such is
   * `(?<done>\d+) of (?<total>\d+)`. Amounts may be written as `12.6 MiB`, `1,5` or `0:01:30`.
   *
   * For %FERRY_COMMAND_PROGRESS_KEYS, what the keys mean: `done=out_time_us/1000000 total=duration text=speed`. With
   * `end=progress`, a block of lines ends with that key. For %FERRY_COMMAND_PROGRESS_JSON the same with paths:
   * `fraction=progress.fraction text=progress.name|name`, where the first of several counts that is there.
   *
   * For %FERRY_COMMAND_PROGRESS_POSITION, the path of the file; %NULL for the largest that the command reads.
   */
  properties[PROP_PROGRESS_PATTERN] = g_param_spec_string ("progress-pattern", NULL, NULL, NULL, FERRY_SETTABLE);

  /**
   * FerryCommand:progress-program: (type filename)
   *
   * As which well-known program the command is read by %FERRY_COMMAND_PROGRESS_AUTOMATIC, such as `rsync` for a copy of
   * it that has another name, or for a script of `sh -c` that runs it. %NULL, the default, for the program that
   * [property@Ferry.Command:argv] begins with; behind `nice`, `env`, `sudo` and the like, the first argument that is
   * one that Ferry knows.
   */
  properties[PROP_PROGRESS_PROGRAM] = g_param_spec_string ("progress-program", NULL, NULL, NULL, FERRY_SETTABLE);

  /**
   * FerryCommand:total:
   *
   * How much there is to do, in what the program counts, where the program does not say it; 0, the default, where it
   * does. For `ffmpeg -progress` it is the duration in seconds.
   */
  properties[PROP_TOTAL] = g_param_spec_double ("total", NULL, NULL, 0, G_MAXDOUBLE, 0, FERRY_SETTABLE);

  /**
   * FerryCommand:unit:
   *
   * What the program counts, for [property@Ferry.Task:unit]; %NULL, the default, where the reader knows.
   */
  properties[PROP_UNIT] = g_param_spec_string ("unit", NULL, NULL, NULL, FERRY_SETTABLE);
}

static void
install_end_properties (void)
{
  /**
   * FerryCommand:cancel-signal:
   *
   * The first signal that a cancel sends to all processes of the command. They get `SIGTERM` when half of
   * [property@Ferry.Task:cancel-grace] is over, and `SIGKILL` towards its end. The default is `SIGINT`, at which
   * most programs remove what they have half written.
   */
  properties[PROP_CANCEL_SIGNAL] = g_param_spec_int ("cancel-signal", NULL, NULL, 1, NSIG - 1, SIGINT, FERRY_SETTABLE);

  /**
   * FerryCommand:success-statuses:
   *
   * The exit statuses with which the task is completed, as a variant of the type `ai`. %NULL, the default, for 0 alone.
   * For 7z and borg, which end with 1 where there are warnings, it may be `[0, 1]`.
   */
  properties[PROP_SUCCESS_STATUSES] =
    g_param_spec_variant ("success-statuses", NULL, NULL, G_VARIANT_TYPE ("ai"), NULL, FERRY_SETTABLE);

  /**
   * FerryCommand:output-files:
   *
   * Files and folders that the command makes. What it has not finished is removed when it fails, is cancelled or runs
   * out of time, and when the application ends. A file that was there before stays, and the error says that it may be
   * damaged. None by default.
   */
  properties[PROP_OUTPUT_FILES] = g_param_spec_boxed ("output-files", NULL, NULL, G_TYPE_STRV, FERRY_SETTABLE);

  /**
   * FerryCommand:replace-output-files:
   *
   * Whether an argument that is one of [property@Ferry.Command:output-files] is given to the command as the same name
   * in a folder beside the file, which nobody else can read. What the command makes there takes the place of the file
   * when it succeeds, and gets its owner, rights and attributes. So a file that was there stays whole otherwise. What
   * is no regular file, such as a device, is written directly. %FALSE by default.
   */
  properties[PROP_REPLACE_OUTPUT_FILES] =
    g_param_spec_boolean ("replace-output-files", NULL, NULL, FALSE, FERRY_SETTABLE);

  /**
   * FerryCommand:end-session:
   *
   * Whether processes that left the command's session, such as services that it started, are ended too when it has
   * succeeded. They always are when it fails or is cancelled. %FALSE by default.
   */
  properties[PROP_END_SESSION] = g_param_spec_boolean ("end-session", NULL, NULL, FALSE, FERRY_SETTABLE);

  /**
   * FerryCommand:cleans-up:
   *
   * Whether [method@Ferry.Job.run_command] runs the command also in a job that was cancelled. A cancel does not end it
   * either, but for the end of the task's grace time. %FALSE by default.
   */
  properties[PROP_CLEANS_UP] = g_param_spec_boolean ("cleans-up", NULL, NULL, FALSE, FERRY_SETTABLE);
}

static void
install_confinement_properties (void)
{
  /**
   * FerryCommand:confined:
   *
   * Whether the command is run by bubblewrap. It then sees the system's programs, its own processes, and the folders
   * below, and nothing else. %FALSE by default.
   */
  properties[PROP_CONFINED] = g_param_spec_boolean ("confined", NULL, NULL, FALSE, FERRY_SETTABLE);

  /**
   * FerryCommand:readable-folders:
   *
   * Folders and files that a confined command may read. None by default.
   */
  properties[PROP_READABLE_FOLDERS] = g_param_spec_boxed ("readable-folders", NULL, NULL, G_TYPE_STRV, FERRY_SETTABLE);

  /**
   * FerryCommand:writable-folders:
   *
   * Folders and files that a confined command may read and write. None by default.
   */
  properties[PROP_WRITABLE_FOLDERS] = g_param_spec_boxed ("writable-folders", NULL, NULL, G_TYPE_STRV, FERRY_SETTABLE);

  /**
   * FerryCommand:network:
   *
   * Whether a confined command may use the network. %FALSE by default.
   */
  properties[PROP_NETWORK] = g_param_spec_boolean ("network", NULL, NULL, FALSE, FERRY_SETTABLE);
}

static void
ferry_command_class_init (FerryCommandClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = ferry_command_finalize;
  object_class->get_property = ferry_command_get_property;
  object_class->set_property = ferry_command_set_property;
  install_start_properties ();
  install_input_properties ();
  install_output_properties ();
  install_terminal_properties ();
  install_progress_properties ();
  install_end_properties ();
  install_confinement_properties ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_command_init (FerryCommand *self)
{
  self->umask = -1;
  self->output_limit = USUAL_OUTPUT_LIMIT;
  self->cancel_signal = SIGINT;
  self->polite = TRUE;
}

/**
 * ferry_command_new:
 * @argv: (array zero-terminated=1) (element-type filename): the program and its arguments
 *
 * Makes a command, whose further properties have their defaults. Any thread.
 *
 * Returns: (transfer full): a new command
 */
FerryCommand *
ferry_command_new (const char *const *argv)
{
  g_return_val_if_fail (argv != NULL, NULL);

  return g_object_new (FERRY_TYPE_COMMAND, "argv", argv, NULL);
}

/* ---- the arguments of the call ---- */

/* (transfer floating): returns the value as the worker takes it. is_text: a string is UTF-8. */
static GVariant *
pack_value (const GValue *value, gboolean is_text)
{
  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value)))
    {
    case G_TYPE_BOOLEAN:
      return g_variant_new_boolean (g_value_get_boolean (value));
    case G_TYPE_INT:
      return g_variant_new_int32 (g_value_get_int (value));
    case G_TYPE_UINT64:
      return g_variant_new_uint64 (g_value_get_uint64 (value));
    case G_TYPE_DOUBLE:
      return g_variant_new_double (g_value_get_double (value));
    case G_TYPE_ENUM:
      return g_variant_new_int32 (g_value_get_enum (value));
    case G_TYPE_STRING:
      return is_text ? g_variant_new_string (g_value_get_string (value))
                     : g_variant_new_bytestring (g_value_get_string (value));
    case G_TYPE_BOXED:
      return g_variant_new_bytestring_array (g_value_get_boxed (value), -1);
    case G_TYPE_VARIANT:
      return g_value_get_variant (value);
    default:
      g_assert_not_reached ();
    }
}

static void
add (GVariantBuilder *builder, guint property_id, GVariant *value)
{
  g_variant_builder_add (builder, "{sv}", properties[property_id]->name, value);
}

/* Whether the input travels beside the call, and not in it. */
static gboolean
has_large_input (FerryCommand *self)
{
  return self->input != NULL && g_bytes_get_size (self->input) > LARGE_INPUT;
}

/* The environment as it was packed last: an application makes many commands, and changes its environment rarely. */
static pthread_mutex_t environment_lock = PTHREAD_MUTEX_INITIALIZER;
static char **packed_strings;        /* environment_lock: (owned) (nullable) */
static GVariant *packed_environment; /* environment_lock: (owned) (nullable): of packed_strings */

/* (transfer full): the environment of the application as it is now. */
static GVariant *
pack_environment (void)
{
  static const char *const none[] = {NULL};
  const char *const *now = environ != NULL ? (const char *const *) environ : none;
  FERRY_AUTO_LOCK (&environment_lock);

  /* Not by the addresses: an application may change a string that it gave to putenv(). */
  if (packed_environment == NULL || !g_strv_equal ((const char *const *) packed_strings, now))
    {
      g_strfreev (packed_strings);
      g_clear_pointer (&packed_environment, g_variant_unref);
      packed_strings = g_strdupv ((char **) now);
      packed_environment =
        g_variant_ref_sink (g_variant_new_bytestring_array ((const char *const *) packed_strings, -1));
      /* Serialised once, and then copied as a whole. */
      g_variant_get_data (packed_environment);
    }
  return g_variant_ref (packed_environment);
}

/* What the command has of the application where nothing else is said. The worker may be older than a change of it. */
static void
pack_surroundings (FerryCommand *self, GVariantBuilder *builder)
{
  g_autoptr (GVariant) environment = self->environment == NULL ? pack_environment () : NULL;
  g_autofree char *directory = self->directory == NULL ? g_get_current_dir () : NULL;
  const int mask = self->umask >= 0 ? self->umask : (int) ferry_read_file_mask ();

  if (environment != NULL)
    g_variant_builder_add (builder, "{sv}", "default-environment", environment);
  /* One that was removed meanwhile is left to the worker, which may be there too. */
  if (directory != NULL && g_file_test (directory, G_FILE_TEST_IS_DIR))
    g_variant_builder_add (builder, "{sv}", "default-directory", g_variant_new_bytestring (directory));
  add (builder, PROP_UMASK, g_variant_new_int32 (mask));
}

/* (transfer floating): returns the dictionary. */
static GVariant *
pack (FerryCommand *self)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  for (guint i = 1; i < N_PROPERTIES; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      if (i == PROP_INPUT || i == PROP_UMASK)
        continue;
      g_value_init (&value, properties[i]->value_type);
      ferry_property_read (get_field (self, i), &value);
      /* The worker may be in another folder. */
      if (i == PROP_DIRECTORY && self->directory != NULL)
        g_value_take_string (&value, g_canonicalize_filename (self->directory, NULL));
      if (!g_param_value_defaults (properties[i], &value))
        add (&builder, i, pack_value (&value, i == PROP_PROGRESS_PATTERN || i == PROP_UNIT));
    }
  /* The only handle of a task is 0. */
  if (self->input != NULL)
    add (&builder, PROP_INPUT,
         has_large_input (self) ? g_variant_new_int32 (0)
                                : g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, self->input, TRUE));
  pack_surroundings (self, &builder);
  return g_variant_builder_end (&builder);
}

static gboolean
check (FerryCommand *self, GError **error)
{
  if (self->argv == NULL || self->argv[0] == NULL || self->argv[0][0] == '\0')
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "The command has no program; FerryCommand:argv begins with one");
  if ((self->input != NULL) + (self->input_file != NULL) + self->interactive > 1)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "The command '%s' has two inputs; set one of FerryCommand:input, FerryCommand:input-file "
                            "and FerryCommand:interactive",
                            self->argv[0]);
  return TRUE;
}

/**
 * ferry_task_new_for_command:
 * @command: a command
 * @error: return location for an error
 *
 * Makes a task that runs a command, for those who set its priority, deadlines or retries, or connect to its signals,
 * before they submit it with [method@Ferry.Executor.submit_task] to an executor for commands. Its name is that of the
 * program, and its [property@Ferry.Task:cancel-grace] is ten seconds, as programs that are interrupted finish their
 * files. Any thread.
 *
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS if the command has no program, or two inputs. Fails as
 * [method@Ferry.Task.add_bytes] does.
 *
 * Returns: (transfer full): a new task
 */
FerryTask *
ferry_task_new_for_command (FerryCommand *command, GError **error)
{
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *name = NULL;
  g_autofree char *shown = NULL;

  g_return_val_if_fail (FERRY_IS_COMMAND (command), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!check (command, error))
    return NULL;
  task = ferry_task_new (FERRY_TASK_KIND_PROGRESS, FERRY_COMMAND_FUNCTION, pack (command));
  if (has_large_input (command) && ferry_task_add_bytes (task, command->input, error) < 0)
    return NULL;
  name = g_path_get_basename (command->argv[0]);
  shown = g_filename_display_name (name);
  /* A pause always has an effect, since its worker hears of each: so it is offered from the beginning. */
  g_object_set (task, "name", shown, "stoppable", TRUE, "interactive", command->interactive, "cancel-grace",
                FERRY_PROGRAMS_CANCEL_GRACE, NULL);
  if (command->output_limit > LARGE_OUTPUT)
    g_object_set (task, "max-returned-descriptors", 1, NULL);
  return g_steal_pointer (&task);
}

/* (transfer full) (nullable): returns the path of the worker's program. */
static char *
find_worker (GError **error)
{
  g_autofree char *program = ferry_find_own_program (PROGRAM, VARIABLE);

  if (g_file_test (program, G_FILE_TEST_IS_EXECUTABLE))
    return g_steal_pointer (&program);
  ferry_set_error (error, FERRY_ERROR_LAUNCH_FAILED,
                   "Ferry's program '%s', which runs others, is missing; install Ferry completely, or set " VARIABLE
                   " to its path",
                   program);
  return NULL;
}

/* ---- its worker is lost ---- */

static void
add_file (GString *files, const char *name)
{
  g_autofree char *shown = g_filename_display_name (name);

  g_string_append_printf (files, "%s'%s'", files->len > 0 ? ", " : "", shown);
}

/* (transfer full): the files that a command writes in place, of which nobody has removed what is half written. */
static char *
list_unfinished_files (GVariant *arguments)
{
  GString *files = g_string_new (NULL);
  g_autofree const char **names = NULL;
  const char *output = NULL;
  gboolean replaces = FALSE;

  g_variant_lookup (arguments, "replace-output-files", "b", &replaces);
  g_variant_lookup (arguments, "output-file", "^&ay", &output);
  g_variant_lookup (arguments, "output-files", "^a&ay", &names);
  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      if (!replaces)
        add_file (files, names[i]);
      if (g_strcmp0 (names[i], output) == 0)
        output = NULL;
    }
  if (output != NULL)
    add_file (files, output);
  return g_string_free (files, FALSE);
}

gboolean
ferry_command_replaces_files (const char *function, GVariant *arguments)
{
  g_autofree char *unfinished = NULL;
  gboolean replaces = FALSE;

  if (!g_str_equal (function, FERRY_COMMAND_FUNCTION) || arguments == NULL ||
      !g_variant_is_of_type (arguments, G_VARIANT_TYPE_VARDICT))
    return FALSE;
  g_variant_lookup (arguments, "replace-output-files", "b", &replaces);
  unfinished = list_unfinished_files (arguments);
  return replaces && *unfinished == '\0';
}

/* A worker that gets SIGTERM tidies up before it ends. */
static char *
describe_loss (GVariant *arguments, int signal_number)
{
  g_autofree const char **argv = NULL;
  g_autofree char *program = NULL;
  g_autofree char *cause = NULL;
  g_autofree char *files = NULL;

  if (!g_variant_is_of_type (arguments, G_VARIANT_TYPE_VARDICT) ||
      !g_variant_lookup (arguments, "argv", "^a&ay", &argv) || argv[0] == NULL)
    return NULL;
  program = g_filename_display_name (argv[0]);
  files = signal_number != SIGTERM ? list_unfinished_files (arguments) : g_strdup ("");
  cause = signal_number != 0 ? g_strdup_printf (" (signal %d, %s)", signal_number, g_strsignal (signal_number))
                             : g_strdup ("");
  return g_strdup_printf (
    "'%s' was ended together with the process that runs it%s, and is not done; run it again%s%s%s", program, cause,
    files[0] != '\0' ? ". Until then, " : "", files, files[0] != '\0' ? " may be incomplete" : "");
}

static const FerryUserTexts texts = {
  .waiting = "Waiting for the process that runs programs: it is starting",
  .lacking = "Waiting until the system has enough to run programs; free memory, descriptors or processes",
  .broken = "No programs can be run, as the process that runs them does not start; install Ferry again, all of it in "
            "one version, or raise the limits of the launcher. With G_MESSAGES_DEBUG=all, the log says why",
  .describe_loss = describe_loss,
};

/* The worker comes with the library. It decodes nothing, and passes on what programs write; what they may do to it as
 * the same user, they may do to the application as well. So results are read where they are. When memory ends, programs
 * are to the kernel as any that the application starts. Returns (transfer none) its argument. */
static FerryLauncher *
trust (FerryLauncher *launcher)
{
  g_object_set (launcher, "trusted", TRUE, "oom-score-adjust", 0, NULL);
  ferry_launcher_set_user_texts (launcher, &texts);
  return launcher;
}

/**
 * ferry_launcher_new_for_commands:
 * @error: return location for an error
 *
 * Makes a launcher of workers that run commands. It is for an application that has a router of its own, or that gives
 * these workers limits or an environment. Others have [ctor@Ferry.Executor.new_for_commands]. Any thread.
 *
 * When memory ends, the kernel takes programs for as dispensable as the application, since
 * [property@Ferry.Launcher:oom-score-adjust] is 0 here. A value that you set is also that of the programs.
 *
 * Fails with %FERRY_ERROR_LAUNCH_FAILED if the worker is missing.
 *
 * Returns: (transfer full): a new launcher
 */
FerryLauncher *
ferry_launcher_new_for_commands (GError **error)
{
  g_autofree char *program = NULL;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  program = find_worker (error);
  return program != NULL ? trust (ferry_launcher_new ((const char *const[]){program, NULL})) : NULL;
}

/**
 * ferry_executor_new_for_commands:
 * @error: return location for an error
 *
 * Makes an executor whose tasks are programs: see [class@Ferry.Command]. As many run at a time as
 * [func@Ferry.get_n_usable_cores] says, which [property@Ferry.Pool:max-workers] of its pool
 * ([method@Ferry.Executor.get_pool]) changes. All else is as [ctor@Ferry.Executor.new_for_program] has it, where the
 * program is a worker that comes with Ferry. On the thread that runs the default main context.
 *
 * Fails with %FERRY_ERROR_LAUNCH_FAILED if that worker is missing. Fails as [ctor@Ferry.Executor.new_for_program] does.
 *
 * Returns: (transfer full): the executor
 */
FerryExecutor *
ferry_executor_new_for_commands (GError **error)
{
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autofree char *program = NULL;
  FerryExecutor *executor;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  program = find_worker (error);
  executor = program != NULL ? ferry_executor_new_for_program (program, error) : NULL;
  if (executor != NULL)
    g_object_get (ferry_executor_get_pool (executor), "launcher", &launcher, NULL);
  if (launcher != NULL)
    trust (launcher);
  return executor;
}

/**
 * ferry_executor_submit_command:
 * @self: an executor for commands
 * @command: a command; the task takes the values that its properties have now
 * @error: return location for an error
 *
 * Runs a command as a task, whose name is that of the program. Any thread may call this.
 *
 * Fails as [ctor@Ferry.Task.new_for_command] and [method@Ferry.Executor.submit_task] do. That the program is missing,
 * or fails, is found later, and makes the task fail: with #GSpawnError, or with the exit status as code of
 * %G_SPAWN_EXIT_ERROR.
 *
 * Returns: (transfer full): the task
 */
FerryTask *
ferry_executor_submit_command (FerryExecutor *self, FerryCommand *command, GError **error)
{
  g_autoptr (FerryTask) task = NULL;

  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), NULL);
  g_return_val_if_fail (FERRY_IS_COMMAND (command), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  task = ferry_task_new_for_command (command, error);
  return task != NULL && ferry_executor_submit_task (self, task, error) ? g_steal_pointer (&task) : NULL;
}
