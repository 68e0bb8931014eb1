/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A fork server and its workers, or a worker that is executed. What it does it finds in its environment.
 *
 * FORK_SERVER_INITIALISERS names the initialisers, with commas; one whose name begins with "thread" leaves a thread
 * behind, and one that is called "early" does so before there are any. FORK_SERVER_HOSTILE has it break the rules of a
 * fork server (see be_hostile()).
 *
 * WORKER_ORDERS is obeyed by each worker, with blanks between the orders:
 *   name  cmdline  folder  group  parent  nice  random   tell that
 *   variable:NAME   tell a variable's value, or "(none)"
 *   limit:NUMBER    tell the soft limit of a resource
 *   descriptors     tell the numbers of the open descriptors
 *   input           tell how many bytes standard input has
 *   tell:TEXT  part:TEXT  error:TEXT   write TEXT with a newline, without one, or to standard error
 *   lines:N         write N lines, their numbers
 *   send:N          send N messages of 8 bytes, their numbers
 *   evade           ask for the sender, and take off whatever would end it with its fork server, and heed no signal
 *   give-away:N     have N children that are the fork server's (CLONE_PARENT) and exit at once
 *   child           start a process that waits without end, and tell its number
 *   allocate:SIZE   allocate so many bytes, and touch some of them everywhere; tell "yes" or "no"
 *   exit:STATUS  kill:SIGNAL  pause  spin */

#include "config.h"

#include <fcntl.h>
#include <ferry.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "evasion.h"
#include "process/ferry-fork-server-main-private.h"
#include "wire/ferry-fork-server-packet-private.h"

static gpointer
wait_for_ever (gpointer data)
{
  for (;;)
    pause ();
  return NULL;
}

static void
start_thread (void)
{
  g_thread_unref (g_thread_new ("idle", wait_for_ever, NULL));
}

static void
tell_file (const char *path)
{
  g_autofree char *text = NULL;
  gsize size = 0;

  g_file_get_contents (path, &text, &size, NULL);
  puts (g_strchomp (text));
}

static void
tell_folder (void)
{
  g_autofree char *folder = g_get_current_dir ();

  puts (folder);
}

static void
tell_descriptors (void)
{
  for (int fd = 0; fd < 1024; fd++)
    if (fcntl (fd, F_GETFD) >= 0)
      printf ("%d ", fd);
  puts ("");
}

static void
tell_limit (int resource)
{
  struct rlimit limit;

  getrlimit (resource, &limit);
  printf ("%llu\n", (unsigned long long) limit.rlim_cur);
}

static void
tell_input (void)
{
  char buffer[64];

  printf ("%d\n", (int) read (STDIN_FILENO, buffer, sizeof buffer));
}

static void
tell_random (void)
{
  printf ("%ld %ld %u %u\n", random (), lrand48 (), g_random_int (), (guint) rand ());
}

static void
tell_variable (const char *name)
{
  const char *value = g_getenv (name);

  puts (value != NULL ? value : "(none)");
}

static void
start_child (void)
{
  pid_t child = fork ();

  if (child == 0)
    wait_for_ever (NULL);
  printf ("%d\n", (int) child);
}

static void
allocate (gsize size)
{
  volatile guint8 *memory = g_try_malloc (size);

  for (gsize i = 0; memory != NULL && i < size; i += 16 * 4096)
    memory[i] = 1;
  puts (memory != NULL ? "yes" : "no");
}

static void
send_numbers (guint64 n)
{
  g_autoptr (GError) error = NULL;
  FerrySender *sender = ferry_worker_get_sender ("out", &error);

  if (sender == NULL || !ferry_sender_start (sender, &error))
    g_error ("%s", error->message);
  for (guint64 i = 0; i < n; i++)
    if (!ferry_sender_send_bytes (sender, &i, sizeof i, &error))
      g_error ("%s", error->message);
}

/* Attaching comes first, as it has the worker end with its fork server. */
static void
evade (void)
{
  static FerrySender *sender;

  sender = ferry_worker_get_sender ("out", NULL);
  if (sender == NULL)
    g_error ("There is no sender to attach with");
  evasion_begin ();
}

static void
write_lines (guint n)
{
  for (guint i = 0; i < n; i++)
    printf ("%u\n", i);
}

static gboolean
tell (const char *order, const char *rest)
{
  if (strcmp (order, "name") == 0)
    tell_file ("/proc/self/comm");
  else if (strcmp (order, "cmdline") == 0)
    tell_file ("/proc/self/cmdline");
  else if (strcmp (order, "folder") == 0)
    tell_folder ();
  else if (strcmp (order, "group") == 0)
    puts (getpgrp () == getpid () ? "leader" : "follower");
  else if (strcmp (order, "parent") == 0)
    printf ("%d\n", (int) getppid ());
  else if (strcmp (order, "nice") == 0)
    printf ("%d\n", getpriority (PRIO_PROCESS, 0));
  else if (strcmp (order, "random") == 0)
    tell_random ();
  else if (strcmp (order, "descriptors") == 0)
    tell_descriptors ();
  else if (strcmp (order, "input") == 0)
    tell_input ();
  else if (g_str_has_prefix (order, "variable:"))
    tell_variable (rest);
  else if (g_str_has_prefix (order, "limit:"))
    tell_limit (atoi (rest));
  else
    return FALSE;
  return TRUE;
}

static gboolean
work (const char *order, const char *rest)
{
  if (g_str_has_prefix (order, "tell:"))
    puts (rest);
  else if (g_str_has_prefix (order, "part:"))
    fputs (rest, stdout);
  else if (g_str_has_prefix (order, "error:"))
    fprintf (stderr, "%s\n", rest);
  else if (g_str_has_prefix (order, "lines:"))
    write_lines ((guint) atoi (rest));
  else if (g_str_has_prefix (order, "send:"))
    send_numbers (g_ascii_strtoull (rest, NULL, 10));
  else if (strcmp (order, "evade") == 0)
    evade ();
  else if (g_str_has_prefix (order, "give-away:"))
    for (int i = atoi (order + strlen ("give-away:")); i > 0; i--)
      evasion_give_away (FALSE);
  else if (strcmp (order, "child") == 0)
    start_child ();
  else if (g_str_has_prefix (order, "allocate:"))
    allocate (g_ascii_strtoull (rest, NULL, 10));
  else if (g_str_has_prefix (order, "exit:"))
    _exit (atoi (rest));
  else if (g_str_has_prefix (order, "kill:"))
    raise (atoi (rest));
  else if (strcmp (order, "pause") == 0)
    wait_for_ever (NULL);
  else if (strcmp (order, "spin") == 0)
    for (volatile guint64 i = 0;; i++)
      ;
  else
    return FALSE;
  return TRUE;
}

static int
obey_all (void)
{
  const char *text = g_getenv ("WORKER_ORDERS");
  g_auto (GStrv) orders = g_strsplit (text != NULL ? text : "", " ", -1);
  struct rlimit no_core = {0, 0};

  setrlimit (RLIMIT_CORE, &no_core);
  for (char **order = orders; *order != NULL && **order != '\0'; order++)
    {
      const char *colon = strchr (*order, ':');
      const char *rest = colon != NULL ? colon + 1 : "";

      if (!tell (*order, rest) && !work (*order, rest))
        g_error ("No such order: %s", *order);
      fflush (stdout);
    }
  return 0;
}

static void
run_initialisers (void)
{
  const char *text = g_getenv ("FORK_SERVER_INITIALISERS");
  g_auto (GStrv) names = g_strsplit (text != NULL ? text : "", ",", -1);

  for (char **name = names; *name != NULL; name++)
    {
      if (g_str_has_prefix (*name, "thread"))
        start_thread ();
      if (strcmp (*name, "late-thread") != 0)
        ferry_fork_server_note_initialiser (*name);
      else
        start_thread ();
    }
}

/* ---- breaking the rules ---- */

static int
take_order (int control, FerryStartOrder *order)
{
  g_autofree guint8 *buffer = g_malloc (FERRY_MAX_PACKET_SIZE);
  struct pollfd poll_fd = {.fd = control, .events = POLLIN};

  poll (&poll_fd, 1, -1);
  return ferry_start_order_receive (order, control, buffer, NULL) == FERRY_CONTROL_TAKEN;
}

static void
send_raw (int control, FerryControlKind kind, guint32 version, gsize size)
{
  guint8 packet[4096] = {0};
  FerryControlHeader header = {.kind = kind, .version = version};

  memcpy (header.magic, FERRY_PROTOCOL_MAGIC, sizeof header.magic);
  memcpy (packet, &header, sizeof header);
  send (control, packet, size, MSG_NOSIGNAL);
}

/* What the kernel takes for a pidfd in some places. */
static int
open_folder (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d", (int) pid);

  return open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int
open_child (pid_t *child)
{
  *child = fork ();
  if (*child == 0)
    wait_for_ever (NULL);
  return (int) syscall (SYS_pidfd_open, *child, 0);
}

static void
start_twice (int control, guint64 id)
{
  pid_t child;
  int pidfd = open_child (&child);

  ferry_fork_server_send_started (control, id, child, pidfd, NULL);
  ferry_fork_server_send_started (control, id, child, pidfd, NULL);
}

/* That it goes on is the test's to say. */
static void
fail_late (int control, guint64 id)
{
  raise (SIGSTOP);
  ferry_fork_server_send_failed (control, id, 0, EMFILE, "late");
  _exit (0);
}

/* Stands still until the test has asked for all of its workers; then tells how many requests are in the socket. */
static void
count_requests (int control, guint64 id)
{
  g_autofree guint8 *buffer = g_malloc (FERRY_MAX_PACKET_SIZE);
  g_autofree char *text = NULL;
  FerryStartOrder order;
  guint n = 1;

  raise (SIGSTOP);
  for (; ferry_start_order_receive (&order, control, buffer, NULL) == FERRY_CONTROL_TAKEN; n++)
    ferry_start_order_clear (&order);
  text = g_strdup_printf ("%u requests", n);
  ferry_fork_server_send_failed (control, id, 0, 0, text);
}

static void
break_rule (const char *how, int control, guint64 id)
{
  pid_t own = getpid ();
  int own_pidfd = (int) syscall (SYS_pidfd_open, own, 0);
  int parent_pidfd = (int) syscall (SYS_pidfd_open, getppid (), 0);

  if (strcmp (how, "unknown-start") == 0)
    ferry_fork_server_send_started (control, id + 1000, own, own_pidfd, NULL);
  else if (strcmp (how, "unknown-end") == 0)
    ferry_fork_server_send_ended (control, id + 1000, CLD_EXITED, 0);
  else if (strcmp (how, "unknown-failure") == 0)
    ferry_fork_server_send_failed (control, id + 1000, 0, 0, "none");
  else if (strcmp (how, "end-before-start") == 0)
    ferry_fork_server_send_ended (control, id, CLD_EXITED, 0);
  else if (strcmp (how, "parent-for-child") == 0)
    ferry_fork_server_send_started (control, id, getppid (), parent_pidfd, NULL);
  else if (strcmp (how, "self-for-child") == 0)
    ferry_fork_server_send_started (control, id, own, own_pidfd, NULL);
  else if (strcmp (how, "init-for-child") == 0)
    ferry_fork_server_send_started (control, id, 1, (int) syscall (SYS_pidfd_open, 1, 0), NULL);
  else if (strcmp (how, "folder-for-pidfd") == 0)
    ferry_fork_server_send_started (control, id, getppid (), open_folder (getppid ()), NULL);
  else if (strcmp (how, "another-number") == 0)
    ferry_fork_server_send_started (control, id, getppid (), open_child (&own), NULL);
  else if (strcmp (how, "start-twice") == 0)
    start_twice (control, id);
  else if (strcmp (how, "no-pidfd") == 0)
    ferry_fork_server_send_started (control, id, own, STDOUT_FILENO, NULL);
  else if (strcmp (how, "bad-code") == 0)
    ferry_fork_server_send_ended (control, id, 99, 0);
  else if (strcmp (how, "attach-twice") == 0)
    ferry_control_send_attach (control, 4096, NULL);
  else if (strcmp (how, "short") == 0)
    send_raw (control, FERRY_CONTROL_STARTED, FERRY_PROTOCOL_VERSION, 20);
  else if (strcmp (how, "long") == 0)
    send_raw (control, FERRY_CONTROL_FAILED, FERRY_PROTOCOL_VERSION, 4096);
  else if (strcmp (how, "version") == 0)
    send_raw (control, FERRY_CONTROL_ENDED, 99, 32);
  else if (strcmp (how, "garbage") == 0)
    send (control, "garbage", 7, MSG_NOSIGNAL);
  else if (strcmp (how, "die") == 0)
    raise (SIGKILL);
  else if (strcmp (how, "exit") == 0)
    _exit (0);
  else if (strcmp (how, "hang-up") == 0)
    close (control);
  else if (strcmp (how, "fail-with-bytes") == 0)
    ferry_fork_server_send_failed (control, id, 0, 0, "b\xff\xfe ytes");
  else if (strcmp (how, "fail-late") == 0)
    fail_late (control, id);
  else if (strcmp (how, "count-requests") == 0)
    count_requests (control, id);
}

/* Attaches, takes an order and answers it wrongly. */
static void
be_hostile (const char *how)
{
  int control = ferry_control_take_fd (NULL);
  FerryWelcome welcome;
  FerryStartOrder order;
  int memory;
  int doorbell;

  if (strcmp (how, "exit-at-once") == 0)
    _exit (7);
  if (!ferry_control_receive_welcome (control, &welcome, &memory, &doorbell, NULL, NULL))
    _exit (1);
  ferry_control_send_attach (control, welcome.segment_size, NULL);
  if (!take_order (control, &order))
    _exit (1);
  break_rule (how, control, order.id);
  wait_for_ever (NULL);
}

int
main (int argc, char **argv)
{
  const char *hostile = g_getenv ("FORK_SERVER_HOSTILE");
  g_autoptr (GError) error = NULL;

  if (g_strcmp0 (g_getenv ("FORK_SERVER_INITIALISERS"), "early") == 0)
    start_thread ();
  if (!ferry_fork_server_is_asked_for ())
    return obey_all ();
  if (hostile != NULL)
    be_hostile (hostile);
  ferry_fork_server_set_arguments (argc, argv);
  run_initialisers ();
  srandom (1);
  if (ferry_fork_server_run (NULL, &error) == 0)
    return obey_all ();
  g_printerr ("parent-worker: %s\n", error->message);
  return 1;
}
