/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that serves calls, with functions for the tests. Arguments and results are behind each name.
 *
 *   nothing                  () -> nothing
 *   echo                     s -> s
 *   echo-bytes               ay -> ay
 *   echo-anything            anything -> the same
 *   add                      (xx) -> x
 *   double                   x -> x
 *   bytes                    t -> ay: so many bytes, of which byte i is i modulo 251
 *   pid                      () -> i
 *   process-name             () -> s: as `ps` shows it
 *   serial                   () -> u: how many calls of this function the process has served, with this one
 *   forks                    () -> (ss): what the fork handlers noted, and what they note in this process
 *   n-initialisers           () -> u: how many initialisers the process, or the one that it was forked from, has run
 *   environment              s -> s: of that variable, empty when it is not set
 *
 *   sleep-until-cancelled    () -> nothing: asleep in a poll of the job's cancellable
 *   spin-until-cancelled     () -> nothing: asks whether it is cancelled, over and over
 *   report-until-cancelled   () -> nothing: reports, over and over
 *   finish-despite-cancel    () -> s: waits until it is cancelled, and gives a result nevertheless
 *   fail-despite-cancel      () -> nothing: waits until it is cancelled, and fails with another error
 *   spin-for-ever            () -> nothing: never looks
 *   pause-for-ever           () -> nothing: asleep, never looks
 *   stubborn                 () -> nothing: ignores SIGTERM, and then as spin-for-ever
 *   read-fifo                s -> nothing: waits until somebody writes a byte into the fifo of that path
 *
 *   crash                    i -> nothing: dies of that signal
 *   exit                     i -> nothing: exits at once, without a word
 *   starve                   () -> nothing: ends as GLib has a process end that gets no memory
 *   crash-if-negative        (sx) -> x: notes the number in the file of that path, and gives its double or dies
 *   crash-if-text            any -> nothing: dies where that is a string
 *   leave                    i -> nothing: ferry_worker_exit() with that status, and with "good-bye" not flushed yet
 *   fail                     (sis) -> nothing: with an error of that domain, code and message
 *   fail-with-trace          (sis) -> nothing: the same with ferry_job_set_error()
 *   fail-with-result         () -> s: sets an error and returns a value
 *   wrong-result             () -> s: returns a number
 *   unwanted-result          () -> nothing: returns a value
 *
 *   yield                    t -> t: yields the numbers up to it, and returns their sum
 *   yield-and-fail           t -> nothing: yields that many numbers and fails
 *   send                     t -> nothing: sends that many numbers as messages of the type "number"
 *   report                   t -> nothing: reports fractions in that many steps
 *   report-and-take-back     t -> nothing: as report, then takes it back, reports once more, and sleeps until a cancel
 *   report-amounts           t -> nothing: reports amounts up to it, in the unit "bytes"
 *   steps                    u -> nothing: that many steps
 *   parts                    () -> nothing: two parts, the second of which has two in turn
 *
 *   print                    (ss) -> nothing: to standard output and to standard error, with a newline each
 *   complain                 s -> never: writes it to standard error, and kills itself
 *   append-line              (ss) -> nothing: to the file of that path
 *   allocate                 t -> nothing: so many bytes, which it keeps and has written to
 *
 * and those of tests/task/buffer-functions.h, descriptor-functions.h, return-functions.h and sender-functions.h.
 *
 * FERRY_TEST_INITIALISER chooses an initialiser beside the one that counts: "fail" fails, "thread" leaves a thread
 * behind, "crash" dies, a path makes that file. Where ferry_worker_main() returns, it says so on standard output, and
 * ends with status 4. */

#include <fcntl.h>
#include <ferry-conversations.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "task/buffer-functions.h"
#include "task/descriptor-functions.h"
#include "task/return-functions.h"
#include "task/sender-functions.h"

static guint n_initialisers;
static GString *forks; /* what the fork handlers noted */
static guint n_served;

static gpointer
stay (gpointer data)
{
  for (;;)
    pause ();
  return NULL;
}

/* ---- giving back ---- */

static GVariant *
do_nothing (FerryJob *job, GVariant *arguments, GError **error)
{
  return NULL;
}

static GVariant *
echo (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_ref (arguments);
}

static GVariant *
add (FerryJob *job, GVariant *arguments, GError **error)
{
  gint64 a, b;

  g_variant_get (arguments, "(xx)", &a, &b);
  return g_variant_new_int64 (a + b);
}

static GVariant *
double_number (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_int64 (2 * g_variant_get_int64 (arguments));
}

static GVariant *
give_bytes (FerryJob *job, GVariant *arguments, GError **error)
{
  gsize size = g_variant_get_uint64 (arguments);
  guint8 *data = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) (i % 251);
  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, data, size, TRUE, g_free, data);
}

static GVariant *
give_pid (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_int32 (getpid ());
}

static GVariant *
give_process_name (FerryJob *job, GVariant *arguments, GError **error)
{
  char name[17] = "";

  prctl (PR_GET_NAME, name);
  return g_variant_new_string (name);
}

static GVariant *
give_serial (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_uint32 (++n_served);
}

static GVariant *
give_n_initialisers (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_uint32 (n_initialisers);
}

/* A fork handler: notes its name, the process, and what the process was given. */
static void
note_fork (gpointer name)
{
  g_string_append_printf (forks, "%s in %s %d, served %u, %s\n", (const char *) name, g_get_prgname (), getpid (),
                          n_served, g_getenv ("FERRY_TEST_NOTE"));
}

static GVariant *
give_forks (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autofree char *noted = g_strdup (forks->str);

  g_string_truncate (forks, 0);
  note_fork ((gpointer) "first");
  note_fork ((gpointer) "second");
  return g_variant_new ("(ss)", noted, forks->str);
}

static GVariant *
give_environment (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *value = g_getenv (g_variant_get_string (arguments, NULL));

  return g_variant_new_string (value != NULL ? value : "");
}

/* ---- lasting ---- */

static void
wait_until_cancelled (FerryJob *job)
{
  GCancellable *cancellable = ferry_job_get_cancellable (job);
  GPollFD poll_fd;

  g_cancellable_make_pollfd (cancellable, &poll_fd);
  while (!g_cancellable_is_cancelled (cancellable))
    g_poll (&poll_fd, 1, -1);
  g_cancellable_release_fd (cancellable);
}

static GVariant *
sleep_until_cancelled (FerryJob *job, GVariant *arguments, GError **error)
{
  wait_until_cancelled (job);
  ferry_job_check (job, error);
  return NULL;
}

static GVariant *
spin_until_cancelled (FerryJob *job, GVariant *arguments, GError **error)
{
  while (!ferry_job_is_cancelled (job))
    ;
  ferry_job_check (job, error);
  return NULL;
}

static GVariant *
report_until_cancelled (FerryJob *job, GVariant *arguments, GError **error)
{
  for (guint64 i = 0; ferry_job_report_amount (job, i, 0, "rounds", NULL, error); i++)
    ;
  return NULL;
}

static GVariant *
finish_despite_cancel (FerryJob *job, GVariant *arguments, GError **error)
{
  wait_until_cancelled (job);
  return g_variant_new_string ("done");
}

static GVariant *
fail_despite_cancel (FerryJob *job, GVariant *arguments, GError **error)
{
  wait_until_cancelled (job);
  g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC, "No space left for the rest");
  return NULL;
}

static GVariant *
spin_for_ever (FerryJob *job, GVariant *arguments, GError **error)
{
  for (volatile guint64 i = 0;; i++)
    ;
  return NULL;
}

static GVariant *
pause_for_ever (FerryJob *job, GVariant *arguments, GError **error)
{
  stay (NULL);
  return NULL;
}

static GVariant *
be_stubborn (FerryJob *job, GVariant *arguments, GError **error)
{
  signal (SIGTERM, SIG_IGN);
  return spin_for_ever (job, arguments, error);
}

static GVariant *
read_fifo (FerryJob *job, GVariant *arguments, GError **error)
{
  int fd = open (g_variant_get_string (arguments, NULL), O_RDONLY | O_CLOEXEC);
  char byte;

  if (fd < 0 || read (fd, &byte, 1) != 1)
    g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "Nobody wrote into the fifo");
  if (fd >= 0)
    close (fd);
  return NULL;
}

/* ---- ending badly ---- */

static GVariant *
crash (FerryJob *job, GVariant *arguments, GError **error)
{
  int number = g_variant_get_int32 (arguments);

  signal (number, SIG_DFL);
  raise (number);
  return NULL;
}

static GVariant *
starve (FerryJob *job, GVariant *arguments, GError **error)
{
  g_printerr ("GLib-ERROR **: gmem.c:136: failed to allocate 629145600 bytes\n");
  signal (SIGTRAP, SIG_DFL);
  raise (SIGTRAP);
  return NULL;
}

static GVariant *
crash_if_there (FerryJob *job, GVariant *arguments, GError **error)
{
  if (access (g_variant_get_string (arguments, NULL), F_OK) == 0)
    raise (SIGKILL);
  return NULL;
}

/* Returns only where it may have been begun before. */
static GVariant *
crash_at_first (FerryJob *job, GVariant *arguments, GError **error)
{
  if (!ferry_job_is_repeated (job))
    raise (SIGKILL);
  return NULL;
}

static GVariant *
crash_if_text (FerryJob *job, GVariant *arguments, GError **error)
{
  if (arguments != NULL && g_variant_is_of_type (arguments, G_VARIANT_TYPE_STRING))
    raise (SIGKILL);
  return NULL;
}

static GVariant *
crash_if_negative (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *path;
  gint64 number;
  FILE *file;

  g_variant_get (arguments, "(&sx)", &path, &number);
  file = fopen (path, "ae");
  fprintf (file, "%" G_GINT64_FORMAT "\n", number);
  fclose (file);
  if (number < 0)
    raise (SIGKILL);
  return g_variant_new_int64 (2 * number);
}

static GVariant *
exit_at_once (FerryJob *job, GVariant *arguments, GError **error)
{
  _exit (g_variant_get_int32 (arguments));
  return NULL;
}

static GVariant *
leave (FerryJob *job, GVariant *arguments, GError **error)
{
  printf ("good-bye\n");
  ferry_worker_exit (g_variant_get_int32 (arguments));
  return NULL;
}

static GVariant *
fail (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *domain, *message;
  int code;

  g_variant_get (arguments, "(&si&s)", &domain, &code, &message);
  g_set_error_literal (error, g_quark_from_string (domain), code, message);
  return NULL;
}

static GVariant *
fail_with_trace (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *domain, *message;
  int code;

  g_variant_get (arguments, "(&si&s)", &domain, &code, &message);
  ferry_job_set_error (job, error, g_quark_from_string (domain), code, "%s", message);
  return NULL;
}

static GVariant *
fail_with_result (FerryJob *job, GVariant *arguments, GError **error)
{
  g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "No such thing");
  return g_variant_new_string ("nevertheless");
}

static GVariant *
give_number (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_int32 (1);
}

/* ---- on the way ---- */

static GVariant *
yield (FerryJob *job, GVariant *arguments, GError **error)
{
  guint64 n = g_variant_get_uint64 (arguments);
  guint64 sum = 0;

  for (guint64 i = 0; i < n; i++)
    {
      if (!ferry_job_yield (job, g_variant_new_uint64 (i), error))
        return NULL;
      sum += i;
    }
  return g_variant_new_uint64 (sum);
}

static GVariant *
yield_and_fail (FerryJob *job, GVariant *arguments, GError **error)
{
  GVariant *sum = yield (job, arguments, error);

  if (sum == NULL)
    return NULL;
  g_variant_unref (g_variant_ref_sink (sum));
  g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_IO, "The rest cannot be read");
  return NULL;
}

static GVariant *
send (FerryJob *job, GVariant *arguments, GError **error)
{
  guint64 n = g_variant_get_uint64 (arguments);

  for (guint64 i = 0; i < n; i++)
    if (!ferry_job_send (job, "number", g_variant_new_uint64 (i), error))
      break;
  return NULL;
}

static GVariant *
send_as (FerryJob *job, GVariant *arguments, GError **error)
{
  ferry_job_send (job, g_variant_get_string (arguments, NULL), g_variant_new_uint64 (1), error);
  return NULL;
}

static GVariant *
report (FerryJob *job, GVariant *arguments, GError **error)
{
  guint64 n = g_variant_get_uint64 (arguments);

  for (guint64 i = 1; i <= n; i++)
    {
      g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT, i, n);

      if (!ferry_job_report (job, (double) i / (double) n, text, error))
        break;
    }
  return NULL;
}

static GVariant *
report_and_take_back (FerryJob *job, GVariant *arguments, GError **error)
{
  report (job, arguments, error);
  if (ferry_job_report (job, -INFINITY, "another part", error))
    ferry_job_report (job, 0.25, NULL, error);
  wait_until_cancelled (job);
  return NULL;
}

static GVariant *
report_amounts (FerryJob *job, GVariant *arguments, GError **error)
{
  guint64 n = g_variant_get_uint64 (arguments);

  for (guint64 i = 0; i <= n; i++)
    if (!ferry_job_report_amount (job, i, n, "bytes", NULL, error))
      break;
  return NULL;
}

static GVariant *
steps (FerryJob *job, GVariant *arguments, GError **error)
{
  guint n = g_variant_get_uint32 (arguments);

  ferry_job_set_n_steps (job, n);
  for (guint i = 0; i < n; i++)
    if (!ferry_job_step (job, "step", error))
      break;
  return NULL;
}

/* The whole is at 0.125, 0.25, 0.5, 1. */
static GVariant *
parts (FerryJob *job, GVariant *arguments, GError **error)
{
  ferry_job_begin_part (job, 0.25);
  ferry_job_report (job, 0.5, "half of the first part", error);
  ferry_job_end_part (job);
  ferry_job_begin_part (job, 0.75);
  ferry_job_begin_part (job, 1.0 / 3);
  ferry_job_report (job, 1, "a third of the second part", NULL);
  ferry_job_end_part (job);
  ferry_job_end_part (job);
  return NULL;
}

/* ---- leaving traces ---- */

static GVariant *
print (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *output, *complaint;

  g_variant_get (arguments, "(&s&s)", &output, &complaint);
  printf ("%s\n", output);
  fprintf (stderr, "%s\n", complaint);
  return NULL;
}

static GVariant *
print_and_fail (FerryJob *job, GVariant *arguments, GError **error)
{
  fprintf (stderr, "%s\n", g_variant_get_string (arguments, NULL));
  g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_IO, "It said so");
  return NULL;
}

/* In its last moment. */
static GVariant *
work_and_print (FerryJob *job, GVariant *arguments, GError **error)
{
  gint64 end = g_get_monotonic_time () + 2000;

  while (g_get_monotonic_time () < end)
    ;
  fprintf (stderr, "%s\n", g_variant_get_string (arguments, NULL));
  return NULL;
}

/* Prints to a pipe that nobody reads from. */
static GVariant *
print_in_vain (FerryJob *job, GVariant *arguments, GError **error)
{
  static int fds[2] = {-1, -1};

  if (fds[0] < 0)
    {
      g_assert_no_errno (pipe2 (fds, O_CLOEXEC));
      g_assert_no_errno (dup2 (fds[1], STDERR_FILENO));
    }
  return print_and_fail (job, arguments, error);
}

/* The application is stopped for a while; then this fails. */
static GVariant *
stop_application (FerryJob *job, GVariant *arguments, GError **error)
{
  static const char command[] = "kill -STOP $FERRY_TEST_APPLICATION; sleep 1.3; kill -CONT $FERRY_TEST_APPLICATION";
  const char *const argv[] = {"sh", "-c", command, NULL};

  if (!g_spawn_async (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, error))
    return NULL;
  return print_and_fail (job, arguments, error);
}

static void
print_until_read (const char *line)
{
  int size = 1;

  fprintf (stderr, "%s\n", line);
  while (size > 0)
    g_assert_no_errno (ioctl (STDERR_FILENO, FIONREAD, &size));
}

/* Sends much, prints lines, and tells the FIFO of that name when they were read; then this fails. */
static GVariant *
send_and_print (FerryJob *job, GVariant *arguments, GError **error)
{
  int fifo;

  for (guint64 i = 0; i < 20000; i++)
    if (!ferry_job_send (job, "number", g_variant_new_uint64 (i), error))
      return NULL;
  /* The application takes what was sent between two of them. */
  for (guint i = 0; i < 3; i++)
    print_until_read (i < 2 ? "" : "That was much");
  fifo = open (g_variant_get_string (arguments, NULL), O_WRONLY | O_CLOEXEC);
  g_assert_cmpint (fifo, >=, 0);
  close (fifo);
  g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_IO, "It said so");
  return NULL;
}

/* Another process prints from now on, without end. */
static GVariant *
let_others_print (FerryJob *job, GVariant *arguments, GError **error)
{
  static const char *const argv[] = {"sh", "-c", "exec yes >&2", NULL};

  if (!g_spawn_async (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL, NULL,
                      error))
    return NULL;
  return print_and_fail (job, arguments, error);
}

static GVariant *
complain (FerryJob *job, GVariant *arguments, GError **error)
{
  fprintf (stderr, "%s\n", g_variant_get_string (arguments, NULL));
  raise (SIGKILL);
  return NULL;
}

static GVariant *
append_line (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *path, *line;
  g_autofree char *text = NULL;
  int fd;

  g_variant_get (arguments, "(&s&s)", &path, &line);
  text = g_strconcat (line, "\n", NULL);
  fd = open (path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || write (fd, text, strlen (text)) != (gssize) strlen (text))
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_IO, "Cannot write to %s", path);
  if (fd >= 0)
    close (fd);
  return NULL;
}

static GVariant *
allocate (FerryJob *job, GVariant *arguments, GError **error)
{
  static void *volatile kept;
  gsize size = g_variant_get_uint64 (arguments);

  kept = g_malloc (size);
  memset (kept, 1, size);
  return NULL;
}

/* ---- the program ---- */

static const struct
{
  const char *name;
  const char *arguments_type;
  const char *result_type;
  FerryFunction function;
} functions[] = {
  {"nothing", NULL, "", do_nothing},
  {"echo", "s", "s", echo},
  {"echo-bytes", "ay", "ay", echo},
  {"add", "(xx)", "x", add},
  {"double", "x", "x", double_number},
  {"echo-anything", NULL, NULL, echo},
  {"bytes", "t", "ay", give_bytes},
  {"pid", NULL, "i", give_pid},
  {"process-name", NULL, "s", give_process_name},
  {"serial", NULL, "u", give_serial},
  {"forks", NULL, "(ss)", give_forks},
  {"n-initialisers", NULL, "u", give_n_initialisers},
  {"environment", "s", "s", give_environment},
  {"sleep-until-cancelled", NULL, "", sleep_until_cancelled},
  {"spin-until-cancelled", NULL, "", spin_until_cancelled},
  {"report-until-cancelled", NULL, "", report_until_cancelled},
  {"finish-despite-cancel", NULL, "s", finish_despite_cancel},
  {"fail-despite-cancel", NULL, "", fail_despite_cancel},
  {"spin-for-ever", NULL, "", spin_for_ever},
  {"pause-for-ever", NULL, "", pause_for_ever},
  {"stubborn", NULL, "", be_stubborn},
  {"read-fifo", "s", "", read_fifo},
  {"crash", "i", "", crash},
  {"starve", NULL, "", starve},
  {"crash-if-negative", "(sx)", "x", crash_if_negative},
  {"crash-at-first", NULL, "", crash_at_first},
  {"crash-if-text", NULL, "", crash_if_text},
  {"crash-if-there", "s", "", crash_if_there},
  {"exit", "i", "", exit_at_once},
  {"leave", "i", "", leave},
  {"fail", "(sis)", "", fail},
  {"fail-with-trace", "(sis)", "", fail_with_trace},
  {"fail-with-result", NULL, "s", fail_with_result},
  {"wrong-result", NULL, "s", give_number},
  {"unwanted-result", NULL, "", give_number},
  {"yield", "t", "t", yield},
  {"yield-and-fail", "t", "", yield_and_fail},
  {"send", "t", "", send},
  {"send-as", "s", "", send_as},
  {"report", "t", "", report},
  {"report-and-take-back", "t", "", report_and_take_back},
  {"report-amounts", "t", "", report_amounts},
  {"steps", "u", "", steps},
  {"parts", NULL, "", parts},
  {"print", "(ss)", "", print},
  {"print-and-fail", "s", "", print_and_fail},
  {"work-and-print", "s", "", work_and_print},
  {"print-in-vain", "s", "", print_in_vain},
  {"stop-application", "s", "", stop_application},
  {"send-and-print", "s", "", send_and_print},
  {"let-others-print", "s", "", let_others_print},
  {"complain", "s", "", complain},
  {"append-line", "(ss)", "", append_line},
  {"allocate", "t", "", allocate},
};

static gboolean
count_initialiser (gpointer user_data, GError **error)
{
  n_initialisers++;
  return TRUE;
}

static gboolean
misbehave_initially (gpointer user_data, GError **error)
{
  const char *order = user_data;

  if (g_str_equal (order, "thread"))
    g_thread_unref (g_thread_new ("test-stays", stay, NULL));
  if (g_str_equal (order, "crash"))
    abort ();
  if (g_str_equal (order, "stop"))
    raise (SIGSTOP);
  if (g_path_is_absolute (order))
    return g_file_set_contents (order, "", 0, error);
  if (!g_str_equal (order, "fail"))
    return TRUE;
  g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "The model is not there");
  return FALSE;
}

/* Sends one message back, where there is one. */
static gboolean
echo_once (FerryChannel *channel, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) value = NULL;

  return !ferry_channel_receive (channel, -1, NULL, &value, NULL, NULL) || value == NULL ||
         ferry_channel_send (channel, value, -1, NULL, error);
}

int
main (int argc, char **argv)
{
  const char *order = g_getenv ("FERRY_TEST_INITIALISER");

  for (gsize i = 0; i < G_N_ELEMENTS (functions); i++)
    ferry_function_register (functions[i].name, functions[i].arguments_type, functions[i].result_type,
                             functions[i].function);
  buffer_functions_register ();
  descriptor_functions_register ();
  return_functions_register ();
  sender_functions_register ();
  ferry_channel_function_register ("echo", NULL, echo_once);
  ferry_worker_add_initialiser ("count", count_initialiser, NULL, NULL);
  forks = g_string_new (NULL);
  ferry_worker_set_program_version ("1.4-test");
  ferry_worker_add_fork_handler (note_fork, (gpointer) "first", NULL);
  ferry_worker_add_fork_handler (note_fork, (gpointer) "second", NULL);
  if (order != NULL)
    ferry_worker_add_initialiser (order, misbehave_initially, (gpointer) order, NULL);
  ferry_worker_main (&argc, &argv);
  printf ("ferry_worker_main returned\n%s", forks->str);
  return 4;
}
