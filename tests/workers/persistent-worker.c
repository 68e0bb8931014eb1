/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A persistent worker that counts.
 *
 *   persistent-worker loop|accept [USER|+USER]
 *
 * It listens at the address in its environment, as USER where one is given, with a main loop or without, lets USER in
 * where that has a plus, and writes a line to standard output: "listening", or why it cannot, with which it ends. It
 * answers "add" with the sum of what it was given so far, "pid" with its number, and "exit" not at all: it calls
 * exit(). What it is given by "keep" it keeps as a result, and gives that to the attached application as "result".
 *
 * Only the test ends it; should that fail to, it ends by itself after some minutes. */

#include <ferry-classic.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LIFETIME_SECONDS 1800

static _Atomic guint32 sum;
static FerryDemux *demux; /* of the application that is attached, or was last */
static FerryBackground *background;

static void
add (FerryInvocation *invocation, gpointer data)
{
  guint32 number = g_variant_get_uint32 (ferry_invocation_get_arguments (invocation));

  ferry_invocation_return_value (invocation, g_variant_new_uint32 (atomic_fetch_add (&sum, number) + number));
}

static void
get_number (FerryInvocation *invocation, gpointer data)
{
  ferry_invocation_return_value (invocation, g_variant_new_int32 (getpid ()));
}

static void
keep (FerryInvocation *invocation, gpointer data)
{
  ferry_background_put (background, ferry_invocation_get_arguments (invocation), -1, NULL, NULL);
  ferry_invocation_return_value (invocation, NULL);
}

static void
leave (FerryInvocation *invocation, gpointer data)
{
  exit (0);
}

static void
check (gboolean success, GError **error)
{
  if (success)
    return;
  printf ("%s\n", (*error)->message);
  exit (3);
}

static void
answer (FerryTransport *transport)
{
  GError *error = NULL;

  g_clear_object (&demux);
  demux = ferry_demux_new (transport);
  ferry_demux_set_threads (demux, 1);
  ferry_demux_add_handler (demux, "add", add, NULL, NULL);
  ferry_demux_add_handler (demux, "pid", get_number, NULL, NULL);
  ferry_demux_add_handler (demux, "keep", keep, NULL, NULL);
  ferry_demux_add_handler (demux, "exit", leave, NULL, NULL);
  check (ferry_demux_start (demux, &error), &error);
  check (ferry_background_attach (background, transport, &error), &error);
}

static void
attached_cb (FerryListener *listener, FerryTransport *transport, gpointer data)
{
  answer (transport);
}

static void
loop (FerryListener *listener)
{
  GError *error = NULL;

  g_signal_connect (listener, "attached", G_CALLBACK (attached_cb), NULL);
  check (ferry_listener_start (listener, &error), &error);
  for (;;)
    g_main_context_iteration (NULL, TRUE);
}

static void
accept_all (FerryListener *listener)
{
  for (;;)
    {
      GError *error = NULL;
      g_autoptr (FerryTransport) transport = ferry_listener_accept (listener, -1, NULL, &error);

      check (transport != NULL, &error);
      answer (transport);
    }
}

int
main (int argc, char **argv)
{
  FerryListener *listener;
  GError *error = NULL;

  alarm (LIFETIME_SECONDS);
  if (argc > 2 && argv[2][0] != '+' && setuid ((uid_t) atoi (argv[2])) < 0)
    return 2;
  background = ferry_background_new ("result", 100);
  listener = ferry_listener_new_from_environment (&error);
  check (listener != NULL, &error);
  if (argc > 2 && argv[2][0] == '+')
    ferry_listener_allow_user (listener, (guint) atoi (argv[2] + 1));
  puts ("listening");
  fflush (stdout);
  if (g_str_equal (argv[1], "loop"))
    loop (listener);
  else
    accept_all (listener);
  return 0;
}
