/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that tells what it finds around itself, as lines on standard output. Its arguments are its orders, obeyed
 * one after the other:
 *
 *   arguments      tell the arguments that follow, one a line, and end
 *   environment    tell every variable
 *   variable:NAME  tell the value of one, or "(none)"
 *   folder         tell the working directory
 *   descriptors    tell the numbers of the open descriptors, in one line
 *   signals        tell the masks of blocked and ignored signals
 *   group          tell whether it leads a process group: "leader" or "follower"
 *   copy           copy standard input to standard output
 *   error:TEXT     write TEXT and a newline to standard error
 *   sender:NAME    ask for the sender and keep it; tell "ok", or the error's code and message
 *   same:NAME      ask for the sender twice; tell "same" or "different"
 *   drop:NAME      ask for the sender, start it, and drop it
 *   drop-and-stop:NAME  the same, and then ask for it again, stop it, and drop it
 *   each:N         send the number 0 through each of the senders "out0", "out1" and so on, and stop it
 *   child:ORDER    run this program again, with ORDER, and wait for it
 *   pause          hang without end, asleep */

#include <fcntl.h>
#include <ferry.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *own_path;

static void
tell_all (char **lines)
{
  for (; *lines != NULL; lines++)
    puts (*lines);
}

static void
tell_folder (void)
{
  g_autofree char *folder = g_get_current_dir ();

  puts (folder);
}

/* Without a look into /proc/self/fd, which would open a descriptor itself. */
static void
tell_descriptors (void)
{
  for (int fd = 0; fd < 1024; fd++)
    if (fcntl (fd, F_GETFD) >= 0)
      printf ("%d ", fd);
  puts ("");
}

static void
tell_signals (void)
{
  static const char *const fields[] = {"SigBlk", "SigIgn", NULL};
  g_autofree char *status = NULL;
  g_auto (GStrv) lines = NULL;

  g_file_get_contents ("/proc/self/status", &status, NULL, NULL);
  lines = g_strsplit (status, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    for (const char *const *field = fields; *field != NULL; field++)
      if (g_str_has_prefix (*line, *field))
        puts (*line);
}

static void
copy (void)
{
  char buffer[4096];
  gssize size;

  fflush (stdout);
  while ((size = read (STDIN_FILENO, buffer, sizeof buffer)) > 0)
    if (write (STDOUT_FILENO, buffer, (gsize) size) != size)
      exit (4);
}

/* A sanitizer catches the signal of a crash. */
static void
hang (void)
{
  signal (SIGSEGV, SIG_DFL);
  for (;;)
    pause ();
}

/* Keeps the sender until the process ends. */
static void
tell_sender (const char *name)
{
  g_autoptr (GError) error = NULL;
  FerrySender *sender = ferry_worker_get_sender (name, &error);

  if (sender != NULL)
    puts ("ok");
  else
    printf ("%s %d %s\n", g_quark_to_string (error->domain), error->code, error->message);
}

static void
tell_same (const char *name)
{
  g_autoptr (FerrySender) first = ferry_worker_get_sender (name, NULL);
  g_autoptr (FerrySender) second = ferry_worker_get_sender (name, NULL);

  puts (first != NULL && first == second ? "same" : "different");
}

static void
drop (const char *name)
{
  g_autoptr (FerrySender) sender = ferry_worker_get_sender (name, NULL);

  if (sender == NULL || !ferry_sender_start (sender, NULL))
    exit (4);
}

static void
stop (const char *name)
{
  g_autoptr (FerrySender) sender = ferry_worker_get_sender (name, NULL);

  if (sender == NULL || !ferry_sender_stop (sender, NULL))
    exit (4);
}

static void
send_each (guint n)
{
  guint64 number = 0;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("out%u", i);
      g_autoptr (FerrySender) sender = ferry_worker_get_sender (name, NULL);

      if (sender == NULL || !ferry_sender_start (sender, NULL) ||
          !ferry_sender_send_bytes (sender, &number, sizeof number, NULL) || !ferry_sender_stop (sender, NULL))
        exit (4);
    }
}

/* The child gets every descriptor that is not close-on-exec. */
static void
run_child (char *order)
{
  char *argv[] = {(char *) own_path, order, NULL};

  fflush (stdout);
  if (!g_spawn_sync (NULL, argv, NULL, G_SPAWN_LEAVE_DESCRIPTORS_OPEN, NULL, NULL, NULL, NULL, NULL, NULL))
    exit (4);
}

static gboolean
obey_with_value (const char *order, char *value)
{
  if (g_str_has_prefix (order, "variable:"))
    puts (g_getenv (value) != NULL ? g_getenv (value) : "(none)");
  else if (g_str_has_prefix (order, "error:"))
    fprintf (stderr, "%s\n", value);
  else if (g_str_has_prefix (order, "sender:"))
    tell_sender (value);
  else if (g_str_has_prefix (order, "same:"))
    tell_same (value);
  else if (g_str_has_prefix (order, "drop:"))
    drop (value);
  else if (g_str_has_prefix (order, "drop-and-stop:"))
    {
      drop (value);
      stop (value);
    }
  else if (g_str_has_prefix (order, "each:"))
    send_each ((guint) atoi (value));
  else if (g_str_has_prefix (order, "child:"))
    run_child (value);
  else
    return FALSE;
  return TRUE;
}

static gboolean
obey (const char *order)
{
  if (strcmp (order, "environment") == 0)
    tell_all (environ);
  else if (strcmp (order, "folder") == 0)
    tell_folder ();
  else if (strcmp (order, "descriptors") == 0)
    tell_descriptors ();
  else if (strcmp (order, "signals") == 0)
    tell_signals ();
  else if (strcmp (order, "group") == 0)
    puts (getpgrp () == getpid () ? "leader" : "follower");
  else if (strcmp (order, "copy") == 0)
    copy ();
  else if (strcmp (order, "pause") == 0)
    hang ();
  else
    return FALSE;
  return TRUE;
}

int
main (int argc, char **argv)
{
  own_path = argv[0];
  for (int i = 1; i < argc; i++)
    {
      char *colon = strchr (argv[i], ':');

      if (strcmp (argv[i], "arguments") == 0)
        {
          tell_all (argv + i + 1);
          return 0;
        }
      if (colon != NULL ? obey_with_value (argv[i], colon + 1) : obey (argv[i]))
        continue;
      g_printerr ("curious-worker: no such order: %s\n", argv[i]);
      return 2;
    }
  return 0;
}
