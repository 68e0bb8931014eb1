/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that crashes in many ways. Its functions:
 *
 *   crash      s -> nothing: in that way
 *   in-child   () -> i: a child that it forks reads where nothing is; by which signal that one ended
 *   listens    () -> b: whether it has a handler of SIGTERM
 *   asked      () -> b: is half done until it is asked where it is, and says whether that has held it up
 *   lie        s -> nothing: sends a packet that says where it crashed, with that fault, and exits with status 3
 *
 * The ways to crash:
 *
 *   read-null       reads where nothing is
 *   call-null       calls a function that is not there
 *   overflow        calls itself until its stack is used up
 *   overflow-in-turns  two functions call each other until their stack is used up
 *   free-twice      gives memory back twice
 *   abort           abort()
 *   abort-unnamed   abort(), in a library without symbols, unnamed-library
 *   abort-replaced  abort(), in the library FERRY_TEST_LIBRARY, after FERRY_TEST_REPLACEMENT has taken its place
 *   replaced        read-null, after FERRY_TEST_REPLACEMENT has taken the place of the program
 *   error           g_error()
 *   kill            sends itself SIGSEGV
 *   spoil-stack     overwrites its stack, and then reads where nothing is
 *   in-thread       read-null on another thread
 *   in-threads      read-null on many threads at once
 *   in-handler      read-null in a handler of a signal
 *   spin-here       never looks
 *   spin-spoiled    the same, with its stack overwritten
 *   sleep-here      asleep, and never looks
 *   sleep-once      the same, until a signal comes, and returns then
 *   look-here       looks again and again whether its time is over, and fails then
 *
 * With FERRY_TEST_HANDLER, it has a handler of SIGSEGV since before ferry_worker_main(), which exits with status 42. */

#include <dlfcn.h>
#include <errno.h>
#include <ferry.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire/ferry-lane-layout.h"

#define CONTROL_FD 3

/* What is wrong here is so on purpose, and no finding of a sanitizer. */
#define NO_FINDINGS no_sanitize ("address", "undefined", "thread")
#define UNCHECKED __attribute__ ((noinline, NO_FINDINGS))

/* What the compiler does not know, so that it does what is written here. */
static volatile int *volatile nowhere;
static void (*volatile no_function) (void);
static volatile guint depth;

UNCHECKED static void
crash_reading_null (void)
{
  nowhere[0]++;
  depth++;
}

UNCHECKED static void
crash_calling_null (void)
{
  no_function ();
  depth++;
}

UNCHECKED static guint
crash_overflowing (guint n)
{
  volatile char room[4096];

  room[0] = (char) n;
  depth++;
  return n == G_MAXUINT ? 0 : crash_overflowing (n + 1) + (guint) room[0];
}

/* Little of the stack each: there are hundreds of thousands of them. */
static guint crash_taking_turns (guint n);

UNCHECKED static guint
crash_giving_turns (guint n)
{
  depth++;
  return n == G_MAXUINT ? 0 : crash_taking_turns (n + 1) + depth;
}

UNCHECKED static guint
crash_taking_turns (guint n)
{
  depth += 2;
  return n == G_MAXUINT ? 1 : crash_giving_turns (n + 1) + depth;
}

UNCHECKED static void
crash_freeing_twice (void)
{
  void *volatile memory = malloc (2000);

  free (memory);
  free (memory);
  depth++;
}

UNCHECKED static void
crash_aborting (void)
{
  abort ();
}

/* The caller's frame and return address, so that nobody can say what comes behind them. */
__attribute__ ((always_inline, NO_FINDINGS)) static inline void
spoil (volatile guintptr *frame)
{
  for (guint i = 0; i < 64; i++)
    frame[i] = 0x5555;
}

UNCHECKED static void
crash_spoiling (void)
{
  spoil (__builtin_frame_address (0));
  nowhere[0]++;
}

static gpointer
crash_in_thread (gpointer data)
{
  crash_reading_null ();
  return NULL;
}

static gpointer
crash_with_others (gpointer barrier)
{
  pthread_barrier_wait (barrier);
  crash_reading_null ();
  return NULL;
}

static void
crash_in_threads (void)
{
  static pthread_barrier_t barrier;

  pthread_barrier_init (&barrier, NULL, 32);
  for (guint i = 1; i < 32; i++)
    g_thread_unref (g_thread_new ("crasher", crash_with_others, &barrier));
  crash_with_others (&barrier);
}

static void
crash_in_handler (int signal_number)
{
  crash_reading_null ();
}

UNCHECKED static void
spin_here (void)
{
  for (;;)
    depth++;
}

UNCHECKED static void
spin_spoiled (void)
{
  spoil (__builtin_frame_address (0));
  for (;;)
    depth++;
}

UNCHECKED static void
sleep_here (void)
{
  for (;;)
    pause ();
}

UNCHECKED static void
sleep_once (void)
{
  pause ();
  depth++;
}

/* Others can see its name. */
__attribute__ ((noinline, visibility ("default"))) gboolean look_here (FerryJob *job, GError **error);

gboolean
look_here (FerryJob *job, GError **error)
{
  while (ferry_job_check (job, error))
    depth++;
  depth++;
  return FALSE;
}

static void
exit_with_42 (int signal_number)
{
  _exit (42);
}

typedef void (*RunFunc) (void);

static RunFunc
find_run (const char *path)
{
  void *library = dlopen (path, RTLD_NOW);
  RunFunc func = NULL;

  if (library != NULL)
    *(void **) &func = dlsym (library, "run");
  if (func == NULL)
    g_error ("No library %s: %s", path, dlerror ());
  return func;
}

__attribute__ ((noinline)) static void
call_unnamed (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = g_path_get_dirname (program);
  g_autofree char *path = g_build_filename (folder, "unnamed-library.so", NULL);

  find_run (path) ();
}

static void
replace (const char *path)
{
  const char *replacement = g_getenv ("FERRY_TEST_REPLACEMENT");

  if (replacement != NULL && rename (replacement, path) < 0)
    g_error ("%s does not take the place of %s: %s", replacement, path, g_strerror (errno));
}

__attribute__ ((noinline)) static void
call_replaced (void)
{
  const char *path = g_getenv ("FERRY_TEST_LIBRARY");
  const RunFunc func = find_run (path);

  replace (path);
  func ();
  depth++;
}

static void
crash_replaced (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);

  replace (program);
  crash_reading_null ();
}

static GVariant *
crash_in_child (FerryJob *job, GVariant *arguments, GError **error)
{
  int status = 0;
  pid_t child = fork ();

  if (child == 0)
    crash_reading_null ();
  waitpid (child, &status, 0);
  return g_variant_new_int32 (WIFSIGNALED (status) ? WTERMSIG (status) : -1);
}

__attribute__ ((noinline)) static void
crash_by (const char *name)
{
  struct sigaction action = {.sa_handler = crash_in_handler};

  if (strcmp (name, "read-null") == 0)
    crash_reading_null ();
  else if (strcmp (name, "call-null") == 0)
    crash_calling_null ();
  else if (strcmp (name, "overflow") == 0)
    crash_overflowing (0);
  else if (strcmp (name, "overflow-in-turns") == 0)
    crash_taking_turns (0);
  else if (strcmp (name, "free-twice") == 0)
    crash_freeing_twice ();
  else if (strcmp (name, "abort") == 0)
    crash_aborting ();
  else if (strcmp (name, "abort-unnamed") == 0)
    call_unnamed ();
  else if (strcmp (name, "abort-replaced") == 0)
    call_replaced ();
  else if (strcmp (name, "replaced") == 0)
    crash_replaced ();
  else if (strcmp (name, "error") == 0)
    g_error ("This is the end");
  else if (strcmp (name, "kill") == 0)
    kill (getpid (), SIGSEGV);
  else if (strcmp (name, "spoil-stack") == 0)
    crash_spoiling ();
  else if (strcmp (name, "in-thread") == 0)
    g_thread_join (g_thread_new ("crasher", crash_in_thread, NULL));
  else if (strcmp (name, "in-threads") == 0)
    crash_in_threads ();
  else if (strcmp (name, "spin-spoiled") == 0)
    spin_spoiled ();
  else if (strcmp (name, "spin-here") == 0)
    spin_here ();
  else if (strcmp (name, "sleep-here") == 0)
    sleep_here ();
  else if (strcmp (name, "sleep-once") == 0)
    sleep_once ();
  else if (strcmp (name, "in-handler") == 0)
    {
      sigaction (SIGUSR1, &action, NULL);
      raise (SIGUSR1);
    }
}

static GVariant *
crash (FerryJob *job, GVariant *arguments, GError **error)
{
  if (g_str_equal (g_variant_get_string (arguments, NULL), "look-here"))
    look_here (job, error);
  else
    crash_by (g_variant_get_string (arguments, NULL));
  return NULL;
}

static GVariant *
tell_whether_it_listens (FerryJob *job, GVariant *arguments, GError **error)
{
  struct sigaction action;

  sigaction (SIGTERM, NULL, &action);
  return g_variant_new_boolean (action.sa_handler != SIG_DFL);
}

static struct sigaction answers;
static volatile sig_atomic_t was_asked;
static volatile long n_waits;

/* Who waits leaves the processor, again and again. */
static void
answer (int signal_number, siginfo_t *info, gpointer context)
{
  struct rusage before;
  struct rusage after;

  getrusage (RUSAGE_THREAD, &before);
  answers.sa_sigaction (signal_number, info, context);
  getrusage (RUSAGE_THREAD, &after);
  n_waits = after.ru_nvcsw - before.ru_nvcsw;
  was_asked = TRUE;
}

static GVariant *
wait_for_question (FerryJob *job, GVariant *arguments, GError **error)
{
  struct sigaction action;
  sigset_t blocked;
  sigset_t usual;

  sigemptyset (&blocked);
  sigaddset (&blocked, FERRY_WHERE_SIGNAL);
  pthread_sigmask (SIG_BLOCK, &blocked, &usual);
  sigaction (FERRY_WHERE_SIGNAL, NULL, &answers);
  action = answers;
  action.sa_sigaction = answer;
  sigaction (FERRY_WHERE_SIGNAL, &action, NULL);
  if (!ferry_job_report (job, 0.5, NULL, error))
    return NULL;
  while (!was_asked)
    sigsuspend (&usual);
  sigaction (FERRY_WHERE_SIGNAL, &answers, NULL);
  pthread_sigmask (SIG_SETMASK, &usual, NULL);
  return g_variant_new_boolean (n_waits > 100);
}

/* ---- lies ---- */

typedef struct
{
  FerryCrash head;
  FerryCrashFrame frames[FERRY_MAX_CRASH_FRAMES];
  char rest[FERRY_MAX_CRASH_SIZE];
  FerryCrashModule module;
} Lie;

static void
send_lie (Lie *lie, const char *names, gsize names_size)
{
  gsize size = sizeof lie->head + MIN (lie->head.n_frames, FERRY_MAX_CRASH_FRAMES) * sizeof (FerryCrashFrame);

  memmove ((char *) lie + size + sizeof lie->module, names, names_size);
  memcpy ((char *) lie + size, &lie->module, sizeof lie->module);
  send (CONTROL_FD, lie, size + sizeof lie->module + names_size, MSG_NOSIGNAL);
}

static GVariant *
tell_lie (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *fault = g_variant_get_string (arguments, NULL);
  static const char text[] = "/tmp/\033[31mred\nline\xff";
  Lie lie = {
    .head = {.header = {.magic = FERRY_PROTOCOL_MAGIC, .kind = FERRY_CONTROL_CRASH, .version = FERRY_PROTOCOL_VERSION},
             .signal = SIGSEGV,
             .code = 1,
             .n_frames = 1,
             .n_modules = 1},
  };

  if (strcmp (fault, "frames") == 0)
    lie.head.n_frames = 1000000;
  else if (strcmp (fault, "module") == 0)
    lie.frames[0].module = 7;
  else if (strcmp (fault, "signal") == 0)
    lie.head.signal = -1;
  else if (strcmp (fault, "identity") == 0)
    lie.module.size = G_MAXUINT32;
  if (strcmp (fault, "zero") == 0)
    send_lie (&lie, "/dev/zero", sizeof "/dev/zero");
  else if (strcmp (fault, "largest") == 0)
    {
      lie.head.n_frames = FERRY_MAX_CRASH_FRAMES;
      for (guint i = 0; i < FERRY_MAX_CRASH_FRAMES; i++)
        lie.frames[i].offset = G_MAXUINT64 - i;
      memset (lie.rest, 'x', 15000);
      send_lie (&lie, lie.rest, 15001);
    }
  else
    for (guint i = 0; i < (strcmp (fault, "often") == 0 ? 100000 : 1); i++)
      send_lie (&lie, text, sizeof text - (strcmp (fault, "names") == 0));
  _exit (3);
}

int
main (int argc, char **argv)
{
  if (g_getenv ("FERRY_TEST_HANDLER") != NULL)
    signal (SIGSEGV, exit_with_42);
  ferry_function_register ("crash", "s", NULL, crash);
  ferry_function_register ("in-child", NULL, "i", crash_in_child);
  ferry_function_register ("listens", NULL, "b", tell_whether_it_listens);
  ferry_function_register ("asked", NULL, "b", wait_for_question);
  ferry_function_register ("lie", "s", NULL, tell_lie);
  ferry_worker_main (&argc, &argv);
  return 4;
}
