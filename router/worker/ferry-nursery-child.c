/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a process that a nursery has just forked does to become a worker of its own: its group, streams, folder,
 * environment, limits, name and random numbers. What cannot be done it tells the application itself, by the nursery's
 * control socket, and ends. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/ferry-base-private.h"
#include "worker/ferry-nursery-private.h"

/* The arguments of the process as the kernel shows them, and how far the environment that follows them goes. */
static struct
{
  char *start;
  gsize size;
  gsize room;
  GPtrArray *moved; /* (owned): what was put in their places; whoever has a pointer into it may keep it */
} title;

/* How far strings go on from end, one right behind the other; a copy takes the place of each. */
static char *
move_strings (char **strings, char *end)
{
  for (; *strings != NULL; strings++)
    {
      if (*strings == end)
        end += strlen (end) + 1;
      *strings = g_strdup (*strings);
      g_ptr_array_add (title.moved, *strings);
    }
  return end;
}

/* The environment that a process starts with lies right behind its arguments. */
void
ferry_nursery_set_arguments (int argc, char **argv)
{
  char *end;
  guint n = g_strv_length (environ);
  char **copy;

  if (argc < 1 || title.start != NULL)
    return;
  title.start = argv[0];
  title.moved = g_ptr_array_new ();
  end = move_strings (argv, title.start);
  title.size = (gsize) (end - title.start);
  copy = g_new (char *, n + 1);
  g_ptr_array_add (title.moved, copy);
  memcpy (copy, environ, (n + 1) * sizeof (char *));
  end = move_strings (copy, end);
  title.room = (gsize) (end - title.start);
  environ = copy;
}

static void
set_name (const char *name)
{
  gsize length = strlen (name);

  prctl (PR_SET_NAME, name);
  g_set_prgname (name);
  if (title.start == NULL)
    return;
  length = MIN (length, title.room - 1);
  memset (title.start, 0, MAX (title.size, length + 1));
  memcpy (title.start, name, length);
  program_invocation_name = program_invocation_short_name = title.start;
}

static void
name_control (int control)
{
  g_autofree char *number = g_strdup_printf ("%d", control);

  g_setenv (FERRY_CONTROL_FD_VARIABLE, number, TRUE);
}

/* child in spare: does once, for nothing, what touches pages on the way to a worker: what a nursery is given to
 * rehearse does the rest. */
void
ferry_nursery_warm_up (int control)
{
  g_autofree char *name = g_strdup (g_get_prgname ());

  set_name (name != NULL ? name : "spare");
  g_unsetenv (FERRY_CONTROL_FD_VARIABLE);
  name_control (control);
}

/* The strings stay where they are, in the order's memory, which then is the environment's. */
static void
replace_environment (FerryStartOrder *order, int control)
{
  char *place = order->environment;
  const char *end = place + order->start.environment_length;

  clearenv ();
  for (; place < end; place += strlen (place) + 1)
    if (strchr (place, '=') != NULL)
      putenv (place);
  order->environment = NULL;
  name_control (control);
}

static int
apply_attributes (const FerryStart *start)
{
  FerryAttributes attributes = {
    .nice = start->nice,
    .nice_set = (start->flags & FERRY_START_NICE) != 0,
    .limits_set = start->limits_set,
  };

  memcpy (attributes.limits, start->limits, sizeof attributes.limits);
  return ferry_attributes_apply (&attributes);
}

static G_GNUC_NORETURN void
give_up (FerryStartOrder *order, int control, const char *what, int failure)
{
  g_autofree char *text = g_strdup_printf ("%s: %s", what, g_strerror (failure));

  ferry_nursery_send_failed (control, order->start.id, getpid (), failure, text);
  _exit (127);
}

/* child: with its nursery's descriptors closed but for the control socket, whose number its own then has. */
void
ferry_nursery_become_worker (FerryStartOrder *order, int control)
{
  int failure;

  setpgid (0, 0);
  for (int stream = 0; stream < (int) G_N_ELEMENTS (order->streams); stream++)
    if (order->streams[stream] >= 0 && dup2 (order->streams[stream], stream) < 0)
      give_up (order, control, "its standard streams could not be set", errno);
  if (order->cwd != NULL && chdir (order->cwd) < 0)
    {
      g_autofree char *what = g_strdup_printf ("the folder “%s” could not be entered, check it", order->cwd);

      give_up (order, control, what, errno);
    }
  failure = apply_attributes (&order->start);
  if (failure != 0)
    give_up (order, control, "it could not be given its priority and limits, ask for no more than the nursery has",
             failure);
  if (order->environment != NULL)
    replace_environment (order, control);
  set_name (order->name);
  if (dup3 (order->control, control, O_CLOEXEC) < 0)
    give_up (order, control, "its control socket could not be set", errno);
}
