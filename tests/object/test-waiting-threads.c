/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-answer-waits.c, engine/ferry-drain.c, engine/ferry-short-cut.c
 *
 * Threads that wait for answers of workers while the main loop does nothing but join these threads: whatever else
 * happens meanwhile, the answers come. */

#include "config.h"

#include <ferry-objects.h>
#include <stdatomic.h>

#include "ferry-test.h"
#include "process/worker-test.h"
#include "route/ferry-router-private.h"

#define FLOOD_LIMIT (128 * 1024)
#define MAX_THREADS 4
#define N_CALLS 300
#define N_ROUNDS 3
/* Sent in pieces, as it is not worth a copy of the application's; and in a buffer. */
#define LARGE_SIZE 200000
#define LARGER_SIZE (2 * 1024 * 1024)
/* Longer than a call takes on any machine, in microseconds. */
#define LONG (600 * G_USEC_PER_SEC)

/* What happens besides. */
typedef enum
{
  NOTHING,
  MESSAGE, /* the worker sends messages over a queued pipe */
  LATEST,  /* the same over a pipe for latest values */
  LINE,    /* it prints lines, which are logged */
  CHATTER, /* it sends messages, and prints lines between them */
  FLOOD,   /* another worker sends messages without end */
  END,     /* another worker ends */
} Besides;

/* What the threads ask for. */
typedef enum
{
  ECHO,
  LARGE,  /* the answers are large, and come in pieces */
  LARGER, /* the answers come in buffers */
  TAKE,   /* the requests are large, so that threads wait for room */
  PROXY,  /* a method of an object */
} Question;

typedef struct
{
  const char *name;
  Question question;
  Besides besides;
  const char *order; /* of the worker */
} Case;

static const Case cases[] = {
  {"nothing-else", ECHO, NOTHING, "quiet"},
  {"a-message-of-the-worker", ECHO, MESSAGE, "send"},
  {"a-latest-value", ECHO, LATEST, "send"},
  {"a-line-that-is-logged", ECHO, LINE, "print"},
  {"messages-and-lines-between-them", ECHO, CHATTER, "chatter"},
  {"a-flood-of-another-worker", ECHO, FLOOD, "quiet"},
  {"the-end-of-another-worker", ECHO, END, "quiet"},
  {"large-answers", LARGE, NOTHING, "quiet"},
  {"answers-in-buffers", LARGER, NOTHING, "quiet"},
  {"large-requests", TAKE, NOTHING, "quiet"},
  {"calls-of-a-proxy", PROXY, NOTHING, "quiet"},
  {"calls-of-a-proxy-and-messages-of-the-worker", PROXY, MESSAGE, "send"},
  {"calls-of-a-proxy-and-latest-values", PROXY, LATEST, "send"},
  {"calls-of-a-proxy-and-lines-that-are-logged", PROXY, LINE, "print"},
  {"calls-of-a-proxy-and-a-flood-of-another-worker", PROXY, FLOOD, "quiet"},
  {"calls-of-a-proxy-and-the-end-of-another-worker", PROXY, END, "quiet"},
};

/* How the threads wait. */
typedef struct
{
  const Case *what;
  guint n_threads;
  gboolean by_monitor; /* without FerryRouter:short-cut */
  gboolean two_links;  /* each second thread asks another worker */
} Manner;

typedef struct
{
  const Manner *manner;
  FerryRouter *router;           /* (owned) */
  FerryLauncher *launchers[3];   /* (owned): those of the answering workers, and of the other one */
  FerryTransport *transports[2]; /* (owned) */
  FerryTransport *objects[2];    /* (owned) (nullable) */
  FerryWorker *workers[3];       /* (owned) (nullable) */
  FerryMux *muxes[2];            /* (owned) */
  FerryProxy *proxies[2];        /* (owned) (nullable) */
  FerryReceiver *side;           /* (owned) (nullable): of messages besides */
  gint64 timeout;                /* of each call */
  _Atomic guint next;            /* thread */
  gboolean joined;
} Scene;

static guint
get_n_links (Scene *self)
{
  return self->manner->two_links ? 2 : 1;
}

static FerryTransport *
add_transport (Scene *self, guint i, const char *name)
{
  g_autoptr (GError) error = NULL;
  FerryTransport *transport = ferry_launcher_add_transport (self->launchers[i], self->router, name, &error);

  g_assert_no_error (error);
  return transport;
}

static void
add_side (Scene *self, guint launcher, FerryPipeFlags flags)
{
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (GError) error = NULL;

  ferry_router_pipe (self->router, flags, &sender, &self->side, &error);
  g_assert_no_error (error);
  ferry_launcher_add_sender (self->launchers[launcher], "side", sender, &error);
  g_assert_no_error (error);
}

static void
open_worker (Scene *self, guint i)
{
  self->launchers[i] = worker_test_launcher_new ("chatty-worker", i == 0 ? self->manner->what->order : "quiet", NULL);
  self->transports[i] = add_transport (self, i, "calls");
  self->muxes[i] = ferry_mux_new (self->transports[i]);
  if (self->manner->what->question == PROXY)
    {
      self->objects[i] = add_transport (self, i, "objects");
      self->proxies[i] = ferry_proxy_new (self->objects[i], "counter");
    }
}

static void
open_scene (Scene *self, const Manner *manner)
{
  const Besides besides = manner->what->besides;

  *self = (Scene){.manner = manner, .timeout = -1};
  self->router = ferry_test_router_new_stopped (NULL);
  self->router->by_monitor = manner->by_monitor || !ferry_test_has_short_cut ();
  /* All that was sent is delivered before the worker's end, which takes minutes of a flood under AddressSanitizer. */
  if (besides == FLOOD)
    g_object_set (self->router, "local-queue-limit", (guint64) FLOOD_LIMIT, "lane-capacity", (guint64) FLOOD_LIMIT,
                  NULL);
  ferry_router_start (self->router, NULL);
  for (guint i = 0; i < get_n_links (self); i++)
    open_worker (self, i);
  if (besides == FLOOD || besides == END)
    self->launchers[2] = worker_test_launcher_new ("chatty-worker", besides == FLOOD ? "flood" : "sleep", NULL);
  if (besides == MESSAGE || besides == LATEST || besides == CHATTER)
    add_side (self, 0, besides == LATEST ? FERRY_PIPE_LATEST : FERRY_PIPE_QUEUED);
  if (besides == FLOOD)
    add_side (self, 2, FERRY_PIPE_QUEUED);
  if (besides == LINE || besides == CHATTER)
    g_object_set (self->launchers[0], "stdout", FERRY_STREAM_MODE_LOG, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (self->workers); i++)
    if (self->launchers[i] != NULL && (i < 2 || besides == FLOOD))
      self->workers[i] = worker_test_spawn (self->launchers[i], self->router);
}

static void
ask_large (Scene *self, guint link, guint32 size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result =
    ferry_mux_transact (self->muxes[link], "large", g_variant_new_uint32 (size), -1, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_get_size (result), ==, size);
}

static void
send_large (Scene *self, guint link)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) nothing = NULL;

  nothing = ferry_mux_transact (self->muxes[link], "take",
                                g_variant_new_take_string (g_strnfill (LARGER_SIZE / 2, 'x')), -1, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (nothing);
}

static void
ask (Scene *self, guint link, guint32 n)
{
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  switch (self->manner->what->question)
    {
    case LARGE:
      ask_large (self, link, LARGE_SIZE);
      break;
    case LARGER:
      ask_large (self, link, LARGER_SIZE);
      break;
    case TAKE:
      send_large (self, link);
      break;
    case PROXY:
      ferry_proxy_call (self->proxies[link], "add", g_variant_new ("(i)", 1), self->timeout, NULL, &result, NULL,
                        &error);
      g_assert_no_error (error);
      break;
    case ECHO:
      result = ferry_mux_transact (self->muxes[link], "echo", g_variant_new_uint32 (n), self->timeout, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (g_variant_get_uint32 (result), ==, n);
      break;
    }
}

static gpointer
ask_many (gpointer data)
{
  Scene *self = data;
  guint link = atomic_fetch_add (&self->next, 1) % get_n_links (self);
  const Question question = self->manner->what->question;
  guint n = question == LARGER ? N_CALLS / 100 : question == TAKE || question == LARGE ? N_CALLS / 10 : N_CALLS;

  for (guint32 i = 0; i < n; i++)
    ask (self, link, i);
  return NULL;
}

/* The callback of a source. */
static gboolean
join_threads (gpointer data)
{
  Scene *self = data;
  GThread *threads[MAX_THREADS];

  if (self->workers[2] != NULL && self->manner->what->besides == END)
    ferry_worker_force_exit (self->workers[2]);
  for (guint i = 0; i < self->manner->n_threads; i++)
    threads[i] = g_thread_new ("asker", ask_many, self);
  for (guint i = 0; i < self->manner->n_threads; i++)
    g_thread_join (threads[i]);
  self->joined = TRUE;
  return G_SOURCE_REMOVE;
}

static gboolean
has_joined (gpointer data)
{
  return ((Scene *) data)->joined;
}

static gpointer
ask_once (gpointer data)
{
  Scene *self = data;

  for (guint i = 0; i < get_n_links (self); i++)
    {
      if (self->proxies[i] != NULL)
        ferry_proxy_wait_until_listening (self->proxies[i], -1, NULL, NULL);
      ask (self, i, 0);
    }
  self->joined = TRUE;
  g_main_context_wakeup (NULL);
  return NULL;
}

/* The worker attaches while the main loop runs. */
static void
begin (Scene *self)
{
  GThread *thread = g_thread_new ("asker", ask_once, self);

  ferry_test_run_until (has_joined, self);
  g_thread_join (thread);
}

static void
close_scene (Scene *self)
{
  for (guint i = 0; i < 2; i++)
    {
      g_clear_object (&self->proxies[i]);
      g_clear_object (&self->muxes[i]);
      g_clear_object (&self->objects[i]);
      g_clear_object (&self->transports[i]);
    }
  if (self->workers[2] != NULL && self->manner->what->besides == FLOOD)
    ferry_worker_force_exit (self->workers[2]);
  for (guint i = 0; i < G_N_ELEMENTS (self->workers); i++)
    {
      if (self->workers[i] != NULL)
        ferry_test_wait_ended (self->workers[i]);
      g_clear_object (&self->workers[i]);
      g_clear_object (&self->launchers[i]);
    }
  if (self->side != NULL)
    ferry_router_close_pipe (self->router, self->side, NULL);
  g_clear_object (&self->side);
  ferry_test_router_stop (self->router);
}

static void
threads_that_the_main_loop_joins_get_their_answers (gconstpointer data)
{
  Scene scene;

  open_scene (&scene, data);
  begin (&scene);
  for (guint i = 0; i < N_ROUNDS; i++)
    {
      if (scene.launchers[2] != NULL && scene.manner->what->besides == END)
        {
          if (scene.workers[2] != NULL)
            ferry_test_wait_ended (scene.workers[2]);
          g_clear_object (&scene.workers[2]);
          scene.workers[2] = worker_test_spawn (scene.launchers[2], scene.router);
        }
      scene.joined = FALSE;
      /* Before and after the router's own source. */
      g_idle_add_full (i % 2 == 0 ? G_PRIORITY_HIGH : G_PRIORITY_LOW, join_threads, &scene, NULL);
      ferry_test_run_until (has_joined, &scene);
    }
  close_scene (&scene);
}

/* The main loop hears neither that the worker has attached, nor that its exporter has come up. */
static void
threads_get_answers_of_a_worker_that_starts (gconstpointer data)
{
  Scene scene;

  open_scene (&scene, data);
  for (guint i = 0; i < N_ROUNDS; i++)
    {
      scene.timeout = i == 0 ? -1 : LONG;
      join_threads (&scene);
    }
  close_scene (&scene);
}

static void
add_case (const Case *what, guint n_threads, gboolean by_monitor, gboolean two_links, const char *how)
{
  Manner manner = {what, n_threads, by_monitor, two_links};
  g_autofree char *path = g_strdup_printf ("/waiting-threads/%s/%s", what->name, how);
  g_autofree char *starting = g_strdup_printf ("%s-while-the-worker-starts", path);

  g_test_add_data_func_full (path, g_memdup2 (&manner, sizeof manner),
                             threads_that_the_main_loop_joins_get_their_answers, g_free);
  if (what->besides == NOTHING && (what->question == ECHO || what->question == PROXY))
    g_test_add_data_func_full (starting, g_memdup2 (&manner, sizeof manner),
                               threads_get_answers_of_a_worker_that_starts, g_free);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      add_case (&cases[i], 1, FALSE, FALSE, "one-thread");
      add_case (&cases[i], MAX_THREADS, FALSE, FALSE, "many-threads");
      add_case (&cases[i], MAX_THREADS, FALSE, TRUE, "two-links");
      add_case (&cases[i], 1, TRUE, FALSE, "one-thread-by-monitor");
      add_case (&cases[i], MAX_THREADS, TRUE, FALSE, "many-threads-by-monitor");
    }
  return g_test_run ();
}
