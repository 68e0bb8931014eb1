/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The two ends of a session in one process, each with a thread that runs its main context. The wire between them loses
 * nothing, and tells of its end. */

#include "config.h"

#include <pthread.h>

#include "base/ferry-base-private.h"
#include "call/transport-test.h"
#include "cluster/ferry-session-private.h"

typedef struct _Pair Pair;

typedef struct _End
{
  Pair *pair;
  struct _End *other;
  FerrySessionPort *port; /* used by the thread: (unowned) (nullable): NULL once it is finished */
  GMainContext *context;  /* lock: (owned) (nullable): NULL once the thread has ended */
  gboolean is_gone;       /* lock: the thread has ended */
  GQueue packets;         /* lock: (owned) (element-type GBytes): that came, and were not received */
  FerrySession *made;     /* lock: (owned) (nullable): for the thread that waits for it */
} End;

struct _Pair
{
  _Atomic gint references; /* one of each thread, and one of the maker of the pair */
  pthread_mutex_t lock;
  pthread_cond_t changed;
  End ends[2];
};

static void
pair_unref (Pair *pair)
{
  if (!ferry_ref_count_dec (&pair->references))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (pair->ends); i++)
    g_queue_clear_full (&pair->ends[i].packets, (GDestroyNotify) g_bytes_unref);
  pthread_cond_destroy (&pair->changed);
  pthread_mutex_destroy (&pair->lock);
  g_free (pair);
}

static void
send_packet (gpointer data, GBytes *packet)
{
  End *to = ((End *) data)->other;
  FERRY_AUTO_LOCK (&to->pair->lock);

  if (to->context == NULL)
    return;
  g_queue_push_tail (&to->packets, g_bytes_ref (packet));
  g_main_context_wakeup (to->context);
}

static void
finish (gpointer data)
{
  ((End *) data)->port = NULL;
}

static const FerryWire wire = {.send = send_packet};

/* Returns (transfer full) (nullable) the next packet. is_over: set to whether none will come any more. */
static GBytes *
take_packet (End *end, gboolean *is_over)
{
  FERRY_AUTO_LOCK (&end->pair->lock);

  *is_over = end->other->is_gone;
  return g_queue_pop_head (&end->packets);
}

static void
receive_all (End *end)
{
  gboolean is_over;
  GBytes *packet;

  while ((packet = take_packet (end, &is_over)) != NULL)
    {
      if (end->port != NULL)
        ferry_session_port_receive (end->port, g_bytes_get_data (packet, NULL), g_bytes_get_size (packet));
      g_bytes_unref (packet);
    }
  if (is_over && end->port != NULL)
    ferry_session_port_finish (end->port);
}

static gpointer
run_end (gpointer data)
{
  End *end = data;
  GMainContext *context = g_main_context_new ();
  FerryTimers *timers = ferry_timers_new (context);
  const FerrySessionSettings settings = {.finished = finish, .finished_data = end};
  FerrySession *session;

  g_main_context_push_thread_default (context);
  session = ferry_session_new (&wire, end, timers, context, &settings);
  end->port = ferry_session_get_port (session);
  pthread_mutex_lock (&end->pair->lock);
  end->context = context;
  end->made = session;
  pthread_cond_broadcast (&end->pair->changed);
  pthread_mutex_unlock (&end->pair->lock);
  while (end->port != NULL)
    {
      receive_all (end);
      if (end->port != NULL)
        g_main_context_iteration (context, TRUE);
    }
  pthread_mutex_lock (&end->pair->lock);
  end->context = NULL;
  end->is_gone = TRUE;
  if (end->other->context != NULL)
    g_main_context_wakeup (end->other->context);
  pthread_mutex_unlock (&end->pair->lock);
  ferry_timers_free (timers);
  g_main_context_pop_thread_default (context);
  g_main_context_unref (context);
  pair_unref (end->pair);
  return NULL;
}

static FerryTransport *
wait_made (End *end)
{
  FERRY_AUTO_LOCK (&end->pair->lock);

  while (end->made == NULL)
    pthread_cond_wait (&end->pair->changed, &end->pair->lock);
  return FERRY_TRANSPORT (g_steal_pointer (&end->made));
}

void
transport_test_connect_sessions (FerryTransport **one, FerryTransport **other)
{
  Pair *pair = g_new0 (Pair, 1);

  atomic_init (&pair->references, 3);
  pthread_mutex_init (&pair->lock, NULL);
  pthread_cond_init (&pair->changed, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (pair->ends); i++)
    {
      pair->ends[i].pair = pair;
      pair->ends[i].other = &pair->ends[1 - i];
      g_queue_init (&pair->ends[i].packets);
    }
  for (guint i = 0; i < G_N_ELEMENTS (pair->ends); i++)
    g_thread_unref (g_thread_new ("ferry-session", run_end, &pair->ends[i]));
  *one = wait_made (&pair->ends[0]);
  *other = wait_made (&pair->ends[1]);
  pair_unref (pair);
}
