/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A host's end of a queue's streams: fetches tasks, runs them, and stores how they end.
 *
 * This is the way of a task:
 *
 *   1. It is fetched, when a worker is free. From now on the stream keeps it for this host, for as long as that says
 * so, three times in the time that the stream waits.
 *   2. The host writes its name into the word in 'begun', by compare-and-set. Who has not written it does not run it.
 *   3. It runs, as any other task of the pool.
 *   4. Its end is written into 'end', unless there is one, and then the delivery is acknowledged, which removes the
 * task.
 *
 * A task that comes with the word of another host has lost that host. It runs again if it may, with its own word and
 * one more attempt; or else that is its end. A host that has just connected may have lost nothing but the server, and
 * so may the others: for as long as the stream waits for a host it gives such a task back.
 *
 * Without the mark that a task was sent with, the server has lost what words there were: the task waits for the
 * application, which judges it.
 *
 * A task with a pause before a retry rests first. Its word has no instance meanwhile, which says that the loss was
 * counted, and since when it rests.
 *
 * Tasks that need labels come by consumers of their own, and hosts that have labels ask those first: others cannot run
 * them. One whose labels a host lacks is given back.
 *
 * A word that says that the application has cancelled or taken the task ends the run here. Of a cancel the application
 * waits for the end, which is written all the same. It asks by a word whether a host runs what the stream has lost.
 *
 * The application removes words an hour after their tasks. So a host that was stopped between 1 and 2, for as long as
 * the stream waits for one, or longer, may have written the only word of a task that is over. It does not begin that
 * one: it says that the task rests. If the task is there still, it comes again.
 *
 * Owner:   counted references: the host's, the thread's, and those of posts.
 * Threads: the router's runs tasks; a thread of its own talks to the server, and waits for no task.
 * Trust:   the application is trusted with the functions of this host, as one with a session is. What it has sent is
 *          judged first. */

#include "config.h"

#include "cluster/ferry-host-queue-private.h"

#include <stdatomic.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-mailbox-private.h"
#include "cluster/ferry-away-message-private.h"
#include "cluster/ferry-nats-thread-private.h"
#include "cluster/ferry-rate-private.h"
#include "cluster/ferry-streams-private.h"
#include "pool/ferry-labels-private.h"
#include "pool/ferry-pool-worker-private.h"
#include "process/ferry-worker.h"
#include "route/ferry-router-private.h"
#include "task/ferry-executor-private.h"
#include "task/ferry-task-private.h"

/* How long it takes until it is looked again whether there are tasks, in microseconds: right after some, and twice as
 * long each time that there are none. */
#define FIRST_LOOK (5 * G_TIME_SPAN_MILLISECOND)
#define LAST_LOOK (200 * G_TIME_SPAN_MILLISECOND)
/* How long a task is waited for that is there, in milliseconds, and one that somebody had and may have given back, and
 * how often the latter is done, in microseconds. */
#define NEW_TIME 100
#define AGAIN_TIME 10
#define AGAIN_LOOK (500 * G_TIME_SPAN_MILLISECOND)
/* For how long it counts how many tasks there were, in microseconds: for so long those of a higher class wait. */
#define COUNT_TIME (100 * G_TIME_SPAN_MILLISECOND)
/* For how long workers are left to applications that are there, which want to see progress, after a task of one has got
 * a place, and how often that is looked at. */
#define COURTESY (2 * G_USEC_PER_SEC)
#define COURTESY_LOOK 200
/* How often it is looked whether tasks that run were cancelled, in microseconds. */
#define LOOK_TIME (2 * G_USEC_PER_SEC)
/* How long a task is given back that another host may have a use for, in microseconds, and one that needs labels: hosts
 * differ in these on purpose. */
#define REFUSED_TIME (10 * G_USEC_PER_SEC)
#define NOT_LABELLED_TIME (2 * G_USEC_PER_SEC)
/* The clock of a host may be wrong, or set: a task for tomorrow is looked at again and again. */
#define MAX_DELAY (300 * (gint64) G_USEC_PER_SEC)
/* When it is tried again, in microseconds, where the server had no room. */
#define NO_ROOM_TIME (2 * G_USEC_PER_SEC)
#define FIRST_PAUSE (200 * G_TIME_SPAN_MILLISECOND)
#define LAST_PAUSE (5 * G_USEC_PER_SEC)

/* A task that this host has. */
typedef struct
{
  FerryHostQueue *queue; /* const: (owned) */
  char *name;            /* const: FILE.ID */
  char *reply;           /* the thread's: of the latest delivery */
  FerryAwayOrder order;  /* const: (owned) */
  guint attempts;        /* const: at hosts, with the one that begins here */
  gint64 waits_since;    /* const: of the wall clock: when its queue timeout began */
  FerryTask *task;       /* main: (owned) (nullable) */
  _Atomic guint n_lost;  /* any: how many attempts were lost here */
  FerryHostTally *tally; /* main: (unowned) (nullable): what it is counted in */
  gint64 came_at;        /* main: monotonic time */
  gboolean is_cancelled; /* the thread's: somebody else has the word */
  FerryAwayEnd end;      /* once it has ended: the thread's */
} Run;

struct _FerryHostQueue
{
  gatomicrefcount references;
  GMainContext *context;        /* const: (owned) */
  char *host;                   /* const: a token */
  char *user;                   /* const: of whom the queue is */
  char *instance;               /* const */
  char **functions;             /* const: (owned) (array zero-terminated=1) */
  char **labels;                /* const: (owned) (nullable) */
  guint n_workers;              /* const */
  gint64 ack_wait;              /* const: that was asked for */
  GAsyncQueue *ended;           /* const: (owned) (element-type Run) */
  _Atomic gboolean is_draining; /* any */
  _Atomic gboolean is_over;     /* any */
  _Atomic gboolean is_closed;   /* any: the pool takes no task now */
  _Atomic guint n_runs;         /* any */
  _Atomic guint n_others;       /* any: runs of applications that are there */
  _Atomic gint64 placed_at;     /* any: when one of them got a place last */

  FerryHostService *service; /* main, as the next five: (unowned) */
  guint look_timer;
  FerryPool *pool;                 /* (owned) (nullable) */
  FerryExecutor *executor;         /* (owned) (nullable) */
  GPtrArray *started;              /* (element-type Run): those that have a task */
  void (*drained) (gpointer data); /* (nullable) */
  gpointer data;

  FerryStreams *stream; /* the thread's, as all below: (owned) */
  GHashTable *runs;     /* (element-type utf8 Run) */
  GQueue unstored;      /* (element-type Run): have ended, and that is not written */
  gint64 next_store;    /* when it is, where the server had no room */
  gint64 connected_at;
  gint64 next_beat;
  gint64 next_look;
  gint64 next_try;
  gint64 pause;
  gint64 next_fetch;
  gint64 fetched_at; /* since boot, as a host may sleep: before the latest fetch */
  gint64 take_time;  /* how long it took to begin a task, or to give it back; the latest that was fetched */
  gint64 next_again;
  gint64 fetch_pause;
  guint64 n_left; /* of the class that was counted at counted_at, as far as is known */
  FerryAwayClass counted;
  gint64 counted_at;
  char *complaint; /* (owned) (nullable): what was said of the server last */
  FerryRate complaints;
};

/* Wakes the thread. */
static Run wake_up;

static void
queue_unref (gpointer data)
{
  FerryHostQueue *self = data;

  if (!g_atomic_ref_count_dec (&self->references))
    return;
  g_async_queue_unref (self->ended);
  g_main_context_unref (self->context);
  g_strfreev (self->functions);
  g_strfreev (self->labels);
  g_free (self->host);
  g_free (self->user);
  g_free (self->instance);
  g_free (self);
}

static FerryHostQueue *
queue_ref (FerryHostQueue *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

/* ---- the router's thread: a task runs ---- */

/* Another place is free. */
static void
run_free (gpointer data)
{
  Run *self = data;

  if (self->task != NULL && self->queue->executor != NULL)
    {
      ferry_executor_remove (self->queue->executor, self->task, NULL);
      g_ptr_array_remove_fast (self->queue->started, self);
    }
  g_clear_object (&self->task);
  ferry_away_order_clear (&self->order);
  ferry_away_end_clear (&self->end);
  g_free (self->name);
  g_free (self->reply);
  queue_unref (self->queue);
  g_free (self);
}

/* Takes error. */
static void
end_run (Run *run, GVariant *result, GError *error, const char *trace)
{
  guint before = run->order.about.attempts + run->attempts - 1;
  guint attempts = run->task != NULL ? ferry_task_get_run (run->task)->n_attempts : 0;

  run->end = (FerryAwayEnd){.host = g_strdup (run->queue->host),
                            .attempts = MAX (attempts, before + 1),
                            .result = result,
                            .error = error,
                            .trace = g_strdup (trace)};
  g_async_queue_push (run->queue->ended, run);
}

static void
task_done (FerryTask *task, Run *run)
{
  g_autofree char *trace = NULL;
  GError *error = NULL;
  GVariant *result = ferry_task_get_result (task, &error);

  ferry_host_tally_count_end (run->tally, ferry_task_get_run (task), run->came_at, /* is_returned: */ FALSE);
  g_object_get (task, "trace", &trace, NULL);
  end_run (run, result, error, trace);
}

/* The thread has it in the word. */
static void
note_attempts (FerryTask *task, GParamSpec *pspec, Run *run)
{
  atomic_store_explicit (&run->n_lost,
                         ferry_task_get_run (task)->n_deaths - run->order.about.deaths - run->attempts + 1,
                         memory_order_relaxed);
}

/* What was lost before is the task's, so that the pool goes by it. */
static FerryTask *
make_task (Run *run)
{
  const FerryAwayTask *about = &run->order.about;
  FerryTask *task = ferry_task_new ((FerryTaskKind) about->kind, about->function, about->arguments);
  FerryRun *of_task = ferry_task_get_run (task);
  FerryTaskSettings settings = about->settings;

  if (settings.deadline > 0)
    settings.deadline = ferry_time_to_monotonic (settings.deadline);
  ferry_task_take_settings (task, &settings);
  g_object_set (task, "name", about->name, NULL);
  of_task->n_attempts = about->attempts + run->attempts - 1;
  of_task->n_deaths = about->deaths + run->attempts - 1;
  of_task->repeats = settings.idempotent;
  of_task->death_limit = about->death_limit;
  of_task->waits_since = ferry_time_to_monotonic (run->waits_since);
  g_signal_connect (task, "notify::n-attempts", G_CALLBACK (note_attempts), run);
  return task;
}

static void
start_run (gpointer data)
{
  Run *run = data;
  FerryHostQueue *self = run->queue;
  GError *error = NULL;

  if (self->executor == NULL)
    return;
  run->task = make_task (run);
  run->tally = ferry_host_service_find_tally (self->service, run->order.function, run->order.about.arguments,
                                              self->user, strlen (self->user));
  run->came_at = g_get_monotonic_time ();
  g_ptr_array_add (self->started, run);
  g_signal_connect (run->task, "done", G_CALLBACK (task_done), run);
  if (ferry_executor_submit_task (self->executor, run->task, &error))
    return;
  g_signal_handlers_disconnect_by_data (run->task, run);
  end_run (run, NULL, error, NULL);
}

static void
cancel_run (gpointer data)
{
  Run *run = data;

  if (run->task != NULL)
    ferry_task_cancel (run->task);
}

/* A line that a worker has printed, with the task that it runs. */
static gboolean
worker_printed (FerryWorker *worker, GLogLevelFlags level, const char *line, gpointer data)
{
  FerryHostQueue *self = data;

  for (guint i = 0; i < self->started->len; i++)
    {
      const Run *run = self->started->pdata[i];
      const FerryRun *of_task = ferry_task_get_run (run->task);
      const FerryPoolWorker *destination = (const FerryPoolWorker *) of_task->destination;

      if (ferry_task_get_state (run->task) == FERRY_TASK_STATE_EXECUTING && of_task->end_held == NULL &&
          destination != NULL && destination->worker == worker && destination->in_flight.head->data == of_task)
        {
          g_log_structured (FERRY_HOST_LOG_DOMAIN, level, "FERRY_TASK", run->order.name, "FERRY_TASK_ID", run->name,
                            "MESSAGE", "task %s, attempt %u, worker %s: %s", run->name, run->attempts,
                            ferry_worker_get_identifier (worker), line);
          return TRUE;
        }
    }
  return FALSE;
}

/* Those that have ended are there until that is stored. */
static guint
count_runs (FerryHostFigures *figures, gpointer data)
{
  FerryHostQueue *self = data;
  guint n_running = 0;

  for (guint i = 0; i < self->started->len; i++)
    {
      const Run *run = self->started->pdata[i];

      if (!ferry_task_get_done (run->task))
        n_running += ferry_host_tally_count_present (run->tally, ferry_task_get_run (run->task), run->came_at, figures);
    }
  return n_running;
}

static void
tell_drained (gpointer data)
{
  FerryHostQueue *self = data;
  void (*drained) (gpointer data) = self->drained;

  self->drained = NULL;
  if (drained != NULL)
    drained (self->data);
}

static void
pool_changed (FerryPool *pool, GParamSpec *pspec, FerryHostQueue *self)
{
  atomic_store_explicit (&self->is_closed, ferry_pool_get_error (pool) != NULL, memory_order_relaxed);
}

/* ---- the thread: what is in progress ---- */

/* Says that all that this host has is in progress, when that is due. To be called between any two things that may take
 * long. Returns whether there is a connection still. */
static gboolean
beat (FerryHostQueue *self)
{
  GHashTableIter iter;
  gpointer value;

  if (g_get_monotonic_time () < self->next_beat)
    return TRUE;
  self->next_beat = g_get_monotonic_time () + ferry_streams_get_ack_wait (self->stream) / 3;
  g_hash_table_iter_init (&iter, self->runs);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (ferry_streams_answer (self->stream, ((Run *) value)->reply, "+WPI", FALSE) == FERRY_STREAMS_LOST)
      return FALSE;
  return TRUE;
}

/* ---- the thread: ends ---- */

static void
drop_run (FerryHostQueue *self, Run *run)
{
  g_hash_table_remove (self->runs, run->name);
  atomic_fetch_sub_explicit (&self->n_runs, 1, memory_order_relaxed);
  ferry_mailbox_post (self->context, run_free, run, NULL);
}

/* reply: of the delivery. */
static gboolean
acknowledge (FerryHostQueue *self, const char *reply)
{
  return ferry_streams_answer (self->stream, reply, "+ACK", FALSE) != FERRY_STREAMS_LOST;
}

static void
complain_of_shortage (FerryHostQueue *self)
{
  ferry_rate_log (&self->complaints, "%s", ferry_streams_get_shortage (self->stream)->message);
}

/* Writes how the run has ended, and answers its delivery: never without the end. */
static FerryStreamsAnswer
store_end (FerryHostQueue *self, Run *run)
{
  g_autofree char *subject = g_strconcat ("end.", run->name, NULL);
  g_autoptr (GBytes) bytes = ferry_away_end_to_bytes (&run->end);
  FerryStreamsAnswer answer =
    run->is_cancelled ? FERRY_STREAMS_DONE : ferry_streams_create (self->stream, subject, bytes, NULL);

  if (answer == FERRY_STREAMS_TOO_LARGE)
    {
      g_clear_pointer (&run->end.result, g_variant_unref);
      g_clear_error (&run->end.error);
      run->end.error =
        g_error_new (FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
                     "Task '%s' ended with %" G_GSIZE_FORMAT " bytes, which is more than the NATS server takes; raise "
                     "its max_payload, or write it to a file, and return the file's name",
                     run->order.name, g_bytes_get_size (bytes));
      return store_end (self, run);
    }
  if (answer != FERRY_STREAMS_DONE && answer != FERRY_STREAMS_CONFLICT)
    return answer;
  return acknowledge (self, run->reply) ? FERRY_STREAMS_DONE : FERRY_STREAMS_LOST;
}

static gboolean
store_ends (FerryHostQueue *self)
{
  Run *run;

  while ((run = g_async_queue_try_pop (self->ended)) != NULL)
    if (run != &wake_up)
      g_queue_push_tail (&self->unstored, run);
  while ((run = g_queue_peek_head (&self->unstored)) != NULL && g_get_monotonic_time () >= self->next_store)
    switch (store_end (self, run))
      {
      case FERRY_STREAMS_DONE:
        drop_run (self, g_queue_pop_head (&self->unstored));
        if (!beat (self))
          return FALSE;
        break;
      case FERRY_STREAMS_NO_ROOM:
        self->next_store = g_get_monotonic_time () + NO_ROOM_TIME;
        complain_of_shortage (self);
        break;
      default:
        return FALSE;
      }
  return TRUE;
}

/* ---- the thread: what was fetched ---- */

static gboolean
give_back (FerryHostQueue *self, const FerryStreamsDelivery *delivery, gint64 delay)
{
  g_autofree char *text = g_strdup_printf ("-NAK {\"delay\": %" G_GINT64_FORMAT "}", delay * 1000);

  return ferry_streams_answer (self->stream, delivery->reply, text, FALSE) != FERRY_STREAMS_LOST;
}

/* Of a start of a host; instance: "": of a task that rests, after that host was lost. */
static GBytes *
make_word (const char *host, const char *instance, guint attempts)
{
  const FerryAwayBegun begun = {
    .by = FERRY_AWAY_BY_HOST, .host = (char *) host, .instance = (char *) instance, .attempts = attempts};

  return ferry_away_begun_to_bytes (&begun);
}

static GBytes *
make_own_word (FerryHostQueue *self, guint attempts)
{
  return make_word (self->host, self->instance, attempts);
}

/* What a word says of a task that was delivered. */
typedef enum
{
  RUNS,    /* this host has the word */
  ENDS,    /* the same, and the task has ended with an error */
  IS_OVER, /* nothing is to be done any more */
  WAITS,   /* it is given back for a while */
  IS_LOST, /* the connection */
} Verdict;

typedef struct
{
  guint attempts;     /* of hosts, with this one */
  gint64 waits_since; /* of RUNS */
  gint64 delay;       /* of WAITS, in microseconds */
  GError *error;      /* (owned) (nullable): of ENDS */
} Decision;

static Verdict
wait_for (Decision *decision, gint64 delay)
{
  decision->delay = CLAMP (delay, G_USEC_PER_SEC, MAX_DELAY);
  return WAITS;
}

static Verdict
wait_for_room (FerryHostQueue *self, Decision *decision)
{
  complain_of_shortage (self);
  return wait_for (decision, NO_ROOM_TIME);
}

/* While it is not clear who has it. */
static Verdict
wait_for_others (FerryHostQueue *self, Decision *decision)
{
  return wait_for (decision, ferry_streams_get_ack_wait (self->stream) / 2);
}

/* (transfer full) (nullable): why the task of a host that was lost does not run again. */
static GError *
judge_loss (const FerryAwayOrder *order, const FerryAwayBegun *begun)
{
  const FerryAwayTask *about = &order->about;
  const FerryTaskLosses losses = {about->attempts + begun->attempts, about->deaths + begun->attempts,
                                  about->settings.idempotent, about->death_limit};

  switch (ferry_task_rules_judge_loss (&about->settings, &losses))
    {
    case FERRY_TASK_IS_RETRIED:
      return NULL;
    case FERRY_TASK_IS_SET_ASIDE:
      return g_error_new (FERRY_ERROR, FERRY_ERROR_QUARANTINED,
                          "Task '%s' was lost %u times, at last with the host '%s', and is not begun again by itself; "
                          "find out whether it ends what runs it, and try it again",
                          order->name, losses.deaths, begun->host);
    default:
      return g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST,
                          "Host '%s' was lost while it ran task '%s', which may have done a part of its work; look "
                          "what it has done, and try it again",
                          begun->host, order->name);
    }
}

static gint64
get_rest (const FerryAwayOrder *order, const FerryAwayBegun *begun)
{
  return ferry_task_rules_get_rest (&order->about.settings, order->about.attempts + begun->attempts);
}

/* own: (transfer full): instead of the word that was read. verdict: if nobody has written another one meanwhile. */
static Verdict
replace_word (FerryHostQueue *self, const char *subject, const FerryStreamsMessage *word, GBytes *own, Verdict verdict,
              Decision *decision)
{
  FerryStreamsAnswer answer = ferry_streams_replace (self->stream, subject, own, word->sequence);

  g_bytes_unref (own);
  if (answer == FERRY_STREAMS_CONFLICT)
    return wait_for_others (self, decision);
  if (answer == FERRY_STREAMS_NO_ROOM)
    return wait_for_room (self, decision);
  return answer == FERRY_STREAMS_DONE ? verdict : IS_LOST;
}

/* The host that has the word was lost. */
static Verdict
take_from_lost (FerryHostQueue *self, const char *subject, const FerryAwayOrder *order, const FerryStreamsMessage *word,
                const FerryAwayBegun *begun, Decision *decision)
{
  GError *error = judge_loss (order, begun);
  const gint64 rest = get_rest (order, begun);

  if (error == NULL && rest > 0)
    {
      wait_for (decision, rest);
      return replace_word (self, subject, word, make_word (begun->host, "", begun->attempts), WAITS, decision);
    }
  decision->attempts = begun->attempts + 1;
  decision->waits_since = ferry_task_rules_get_wait_start (g_get_real_time (), 0);
  decision->error = error;
  return replace_word (self, subject, word, make_own_word (self, decision->attempts), error != NULL ? ENDS : RUNS,
                       decision);
}

/* A host has the word, and the stream has given the task to this one. Both may be the same: then the answer to the
 * delivery of a task that has ended was lost, or the answer to the writing of the word was, and it was not begun. If
 * the application stores the end meanwhile and removes it, its word keeps this host from writing another one. */
static Verdict
take_over (FerryHostQueue *self, const char *name, const FerryAwayOrder *order, const FerryStreamsMessage *word,
           const FerryAwayBegun *begun, Decision *decision)
{
  g_autofree char *end_subject = g_strconcat ("end.", name, NULL);
  g_autofree char *subject = g_strconcat ("begun.", name, NULL);
  g_auto (FerryStreamsMessage) end = {0};
  FerryStreamsAnswer answer = ferry_streams_read (self->stream, end_subject, &end);
  const gboolean rests = *begun->instance == '\0';
  const gint64 rest = get_rest (order, begun);
  const gint64 rest_until = ferry_time_add (word->time, rest);
  /* By the server's clock, and by this host's: it rests no longer than it should. */
  gint64 left = MIN (rest_until - g_get_real_time (), rest);

  if (answer != FERRY_STREAMS_NOTHING)
    return answer == FERRY_STREAMS_DONE ? IS_OVER : IS_LOST;
  if (rests && left > 0)
    return wait_for (decision, left);
  if (!rests && !g_str_equal (begun->instance, self->instance))
    {
      if (g_get_monotonic_time () - self->connected_at < ferry_streams_get_ack_wait (self->stream))
        return wait_for_others (self, decision);
      return take_from_lost (self, subject, order, word, begun, decision);
    }
  decision->attempts = begun->attempts + (rests ? 1 : 0);
  if (rests)
    decision->waits_since = ferry_task_rules_get_wait_start (word->time, rest_until);
  return replace_word (self, subject, word, make_own_word (self, decision->attempts), RUNS, decision);
}

/* Whether the stream may have taken back meanwhile what was fetched. name: of the task. */
static gboolean
was_held_up (FerryHostQueue *self, const char *name)
{
  if (ferry_time_since_boot () - self->fetched_at < ferry_streams_get_ack_wait (self->stream))
    return FALSE;
  ferry_rate_log (&self->complaints, "Task '%s' is given back: this host was held up before it could begin it", name);
  return TRUE;
}

/* There is a word already. */
static Verdict
read_word (FerryHostQueue *self, const char *name, const FerryAwayOrder *order, Decision *decision)
{
  g_autofree char *subject = g_strconcat ("begun.", name, NULL);
  g_auto (FerryStreamsMessage) word = {0};
  g_auto (FerryAwayBegun) begun = {0};
  FerryStreamsAnswer answer = ferry_streams_read (self->stream, subject, &word);

  if (answer != FERRY_STREAMS_DONE)
    return answer == FERRY_STREAMS_NOTHING ? wait_for_others (self, decision) : IS_LOST;
  /* The stream may have given the task to another host since, which lives and has written that. */
  if (was_held_up (self, name))
    return wait_for (decision, 0);
  if (!ferry_away_begun_from_bytes (&begun, word.bytes, NULL) || begun.by != FERRY_AWAY_BY_HOST)
    return IS_OVER;
  return take_over (self, name, order, &word, &begun, decision);
}

/* This host has just written the only word there is, and does not know whether the task is over. */
static Verdict
lay_word_down (FerryHostQueue *self, const char *subject, Decision *decision)
{
  g_auto (FerryStreamsMessage) word = {0};
  g_auto (FerryAwayBegun) begun = {0};
  FerryStreamsAnswer answer = ferry_streams_read (self->stream, subject, &word);

  if (answer == FERRY_STREAMS_LOST)
    return IS_LOST;
  wait_for (decision, 0);
  if (answer != FERRY_STREAMS_DONE || !ferry_away_begun_from_bytes (&begun, word.bytes, NULL) ||
      g_strcmp0 (begun.instance, self->instance) != 0)
    return WAITS;
  return replace_word (self, subject, &word, make_word (self->host, "", 0), WAITS, decision);
}

static Verdict
write_word (FerryHostQueue *self, const char *name, const FerryAwayOrder *order, Decision *decision)
{
  g_autofree char *subject = g_strconcat ("begun.", name, NULL);
  g_autoptr (GBytes) word = make_own_word (self, 1);
  FerryStreamsAnswer answer = ferry_streams_create (self->stream, subject, word, NULL);

  decision->attempts = 1;
  decision->waits_since = order->about.waits_since;
  if (answer == FERRY_STREAMS_CONFLICT)
    return read_word (self, name, order, decision);
  if (answer == FERRY_STREAMS_NO_ROOM)
    return wait_for_room (self, decision);
  if (answer != FERRY_STREAMS_DONE)
    return IS_LOST;
  return was_held_up (self, name) ? lay_word_down (self, subject, decision) : RUNS;
}

/* Takes order and the decision's error. */
static void
add_run (FerryHostQueue *self, const FerryStreamsDelivery *delivery, const char *name, FerryAwayOrder *order,
         const Decision *decision)
{
  Run *run = g_new0 (Run, 1);

  run->queue = queue_ref (self);
  run->name = g_strdup (name);
  run->reply = g_strdup (delivery->reply);
  run->order = *order;
  *order = (FerryAwayOrder){0};
  run->attempts = decision->attempts;
  run->waits_since = decision->waits_since;
  g_hash_table_insert (self->runs, run->name, run);
  atomic_fetch_add_explicit (&self->n_runs, 1, memory_order_relaxed);
  if (decision->error != NULL)
    end_run (run, NULL, decision->error, NULL);
  else
    ferry_mailbox_post (self->context, start_run, run, NULL);
}

/* Another host may have a use for it, or it is too early. Returns for how long it is given back; 0: not at all. */
static gint64
get_delay (FerryHostQueue *self, const FerryAwayOrder *order)
{
  gint64 left = order->about.not_before > 0 ? order->about.not_before - g_get_real_time () : 0;
  g_autofree const char **needs = g_variant_get_strv (order->needs, NULL);

  if (left > 0)
    return MIN (left, MAX_DELAY);
  if (!ferry_labels_have ((const char *const *) self->labels, needs))
    return NOT_LABELLED_TIME;
  return g_strv_contains ((const char *const *) self->functions, order->function) ? 0 : REFUSED_TIME;
}

/* Whether the server still has each word since the task was sent. name: FILE.ID. Returns whether there is a connection
 * still. */
static gboolean
check_mark (FerryHostQueue *self, const FerryStreamsDelivery *delivery, const char *name, gboolean *is_known)
{
  g_autofree char *file = g_strndup (name, (gsize) (strchr (name, '.') - name));
  g_autofree char *mark = NULL;
  FerryStreamsAnswer answer = ferry_streams_read_mark (self->stream, file, &mark);

  *is_known = mark != NULL && g_strcmp0 (mark, delivery->mark) == 0;
  return answer != FERRY_STREAMS_LOST;
}

/* Takes a task whose delivery is new. Returns whether there is a connection still. */
static gboolean
take_task (FerryHostQueue *self, const FerryStreamsDelivery *delivery, const char *name)
{
  g_auto (FerryAwayOrder) order = {0};
  g_autoptr (GError) error = NULL;
  Decision decision = {0};
  Verdict verdict;
  gboolean is_known;
  gint64 delay;

  if (!ferry_away_order_from_bytes (&order, delivery->bytes, &error))
    {
      ferry_rate_log (&self->complaints, "Task '%s' is not run: %s", name, error->message);
      return g_error_matches (error, FERRY_ERROR, FERRY_ERROR_VERSION) ? give_back (self, delivery, REFUSED_TIME)
                                                                       : acknowledge (self, delivery->reply);
    }
  delay = get_delay (self, &order);
  if (delay == REFUSED_TIME)
    ferry_rate_log (&self->complaints, "Task '%s' is left to other hosts: this one has no function '%s'", order.name,
                    order.function);
  if (delay > 0)
    return give_back (self, delivery, delay);
  if (!check_mark (self, delivery, name, &is_known))
    return FALSE;
  if (!is_known)
    {
      ferry_rate_log (&self->complaints, "Task '%s' waits for its application: the server has lost who had begun it",
                      name);
      return give_back (self, delivery, REFUSED_TIME);
    }
  verdict = write_word (self, name, &order, &decision);
  if (verdict == RUNS || verdict == ENDS)
    {
      add_run (self, delivery, name, &order, &decision);
      return TRUE;
    }
  g_clear_error (&decision.error);
  if (verdict == IS_LOST)
    return FALSE;
  return verdict == IS_OVER ? acknowledge (self, delivery->reply) : give_back (self, delivery, decision.delay);
}

static gboolean
take_delivery (FerryHostQueue *self, const FerryStreamsDelivery *delivery)
{
  const char *rest =
    g_str_has_prefix (delivery->subject, "task.") ? strchr (delivery->subject + strlen ("task."), '.') : NULL;
  g_autofree char *file = NULL;
  g_autofree char *id = NULL;
  g_autofree char *name = NULL;
  Run *run;

  if (rest == NULL || !ferry_away_parse_subject (rest + 1, "", &file, &id))
    return acknowledge (self, delivery->reply);
  name = g_strconcat (file, ".", id, NULL);
  run = g_hash_table_lookup (self->runs, name);
  if (run == NULL)
    return take_task (self, delivery, name);
  /* It was delivered again while the server was out of reach. */
  g_free (run->reply);
  run->reply = g_strdup (delivery->reply);
  return TRUE;
}

/* How many tasks may be fetched: none while ends cannot be stored. */
static guint
get_room (FerryHostQueue *self)
{
  guint n = g_hash_table_size (self->runs) + atomic_load_explicit (&self->n_others, memory_order_relaxed);
  gint64 placed_at = atomic_load_explicit (&self->placed_at, memory_order_relaxed);

  if (self->unstored.length > 0 || atomic_load_explicit (&self->is_draining, memory_order_relaxed) ||
      atomic_load_explicit (&self->is_closed, memory_order_relaxed) || n >= self->n_workers ||
      (placed_at > 0 && g_get_monotonic_time () - placed_at < COURTESY))
    return 0;
  return self->n_workers - n;
}

/* How many classes of tasks the host fetches. */
static guint
count_classes (const FerryHostQueue *self)
{
  return self->labels != NULL ? FERRY_N_AWAY_CLASSES : FERRY_AWAY_LABELLED_HIGH;
}

/* Of the n classes that this host asks, the one that comes next: first those that few other hosts ask. */
static FerryAwayClass
get_class (FerryHostQueue *self, guint n)
{
  return self->labels != NULL ? (FerryAwayClass) ((n + FERRY_AWAY_LABELLED_HIGH) % FERRY_N_AWAY_CLASSES)
                              : (FerryAwayClass) n;
}

/* Up to n of the class that was counted. Others may have fetched them meanwhile. */
static gboolean
fetch_counted (FerryHostQueue *self, guint n, gint64 time, GPtrArray *deliveries)
{
  FerryStreamsAnswer answer;

  self->fetched_at = ferry_time_since_boot ();
  answer = ferry_streams_fetch (self->stream, self->counted, n, time, deliveries);
  self->n_left = deliveries->len == n ? self->n_left - MIN (n, self->n_left) : 0;
  return answer != FERRY_STREAMS_LOST;
}

/* Counts those of a class, and fetches some. A fetch waits until it has as many as it wants, so it wants no more than
 * there are; how many that somebody had were given back can only be tried. */
static gboolean
fetch_class (FerryHostQueue *self, FerryAwayClass class, guint room, gboolean again, GPtrArray *deliveries)
{
  guint64 n_open = 0;

  self->counted = class;
  self->counted_at = g_get_monotonic_time ();
  if (ferry_streams_count_pending (self->stream, class, &self->n_left, &n_open) == FERRY_STREAMS_LOST)
    return FALSE;
  if (self->n_left > 0)
    return fetch_counted (self, (guint) MIN (room, self->n_left), NEW_TIME, deliveries);
  return !again || n_open == 0 || fetch_counted (self, room, AGAIN_TIME, deliveries);
}

/* Of the first class that has some. */
static gboolean
fetch_some (FerryHostQueue *self, guint room, GPtrArray *deliveries)
{
  const gint64 now = g_get_monotonic_time ();
  const gboolean again = now >= self->next_again;

  if (self->n_left > 0 && !again && now - self->counted_at < COUNT_TIME)
    return fetch_counted (self, (guint) MIN (room, self->n_left), AGAIN_TIME, deliveries);
  if (again)
    self->next_again = now + AGAIN_LOOK;
  for (guint i = 0; i < count_classes (self) && deliveries->len == 0; i++)
    if (!fetch_class (self, get_class (self, i), room, again, deliveries))
      return FALSE;
  return TRUE;
}

/* How many may be fetched at once, such that each is begun before the stream takes it back. */
static guint
get_batch (FerryHostQueue *self)
{
  gint64 n = ferry_streams_get_ack_wait (self->stream) / 3 / MAX (self->take_time, 1);

  return (guint) CLAMP (n, 1, G_MAXINT);
}

static gboolean
fetch (FerryHostQueue *self, guint room)
{
  g_autoptr (GPtrArray) deliveries = g_ptr_array_new_with_free_func (ferry_streams_delivery_free);

  if (!fetch_some (self, MIN (room, get_batch (self)), deliveries))
    return FALSE;
  self->fetch_pause = deliveries->len > 0 ? FIRST_LOOK : MIN (2 * self->fetch_pause, LAST_LOOK);
  self->next_fetch = g_get_monotonic_time () + (deliveries->len > 0 ? 0 : self->fetch_pause);
  for (guint i = 0; i < deliveries->len; i++)
    {
      const gint64 before = g_get_monotonic_time ();

      if (!take_delivery (self, deliveries->pdata[i]) || !beat (self))
        return FALSE;
      self->take_time = g_get_monotonic_time () - before;
    }
  return TRUE;
}

/* ---- the thread: what runs ---- */

/* This host runs it still, and how often it was lost here counts, too, if this host is lost next. If somebody has
 * written another word meanwhile, it is looked at next time. */
static gboolean
renew_word (FerryHostQueue *self, const Run *run, const char *subject, const FerryStreamsMessage *word,
            const FerryAwayBegun *begun)
{
  const guint attempts = run->attempts + atomic_load_explicit (&run->n_lost, memory_order_relaxed);
  g_autoptr (GBytes) own = make_own_word (self, attempts);

  return (begun->by == FERRY_AWAY_BY_HOST && begun->attempts == attempts) ||
         ferry_streams_replace (self->stream, subject, own, word->sequence) != FERRY_STREAMS_LOST;
}

/* Looks whether somebody else has the word of what runs here: then its end here counts for nothing. */
static gboolean
look (FerryHostQueue *self)
{
  GHashTableIter iter;
  gpointer value;

  self->next_look = g_get_monotonic_time () + LOOK_TIME;
  g_hash_table_iter_init (&iter, self->runs);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Run *run = value;
      g_autofree char *subject = g_strconcat ("begun.", run->name, NULL);
      g_auto (FerryStreamsMessage) word = {0};
      g_auto (FerryAwayBegun) begun = {0};
      FerryStreamsAnswer answer =
        run->is_cancelled ? FERRY_STREAMS_NOTHING : ferry_streams_read (self->stream, subject, &word);

      if (answer == FERRY_STREAMS_LOST || !beat (self))
        return FALSE;
      if (answer != FERRY_STREAMS_DONE || !ferry_away_begun_from_bytes (&begun, word.bytes, NULL))
        continue;
      if ((begun.by == FERRY_AWAY_BY_HOST || begun.by == FERRY_AWAY_BY_ASKED) &&
          g_str_equal (begun.instance, self->instance))
        {
          if (!renew_word (self, run, subject, &word, &begun))
            return FALSE;
          continue;
        }
      if (begun.by == FERRY_AWAY_BY_HOST)
        continue;
      run->is_cancelled = begun.by != FERRY_AWAY_BY_NOBODY;
      ferry_mailbox_post (self->context, cancel_run, run, NULL);
    }
  return TRUE;
}

/* ---- the thread ---- */

static void
complain (FerryHostQueue *self, const GError *error)
{
  if (g_strcmp0 (self->complaint, error->message) != 0)
    g_message ("The queue waits: %s", error->message);
  g_free (self->complaint);
  self->complaint = g_strdup (error->message);
}

static void
note_failure (FerryHostQueue *self, const GError *error)
{
  complain (self, error);
  self->next_try = g_get_monotonic_time () + self->pause;
  self->pause = MIN (2 * self->pause, LAST_PAUSE);
}

static gboolean
try_to_connect (FerryHostQueue *self)
{
  g_autoptr (GError) error = NULL;

  if (ferry_streams_is_connected (self->stream))
    return TRUE;
  if (g_get_monotonic_time () < self->next_try)
    return FALSE;
  if (!ferry_streams_connect (self->stream, count_classes (self), &error))
    {
      note_failure (self, error);
      return FALSE;
    }
  g_message ("Works off the queue of '%s' at %s", ferry_streams_get_queue (self->stream),
             ferry_streams_get_address (self->stream));
  if (ferry_streams_get_ack_wait (self->stream) != self->ack_wait)
    g_message (
      "The queue's hosts wait %.0f seconds for one that is lost, as it was when its streams were made, and not "
      "%.0f as --cut-timeout says",
      (double) ferry_streams_get_ack_wait (self->stream) / G_USEC_PER_SEC, (double) self->ack_wait / G_USEC_PER_SEC);
  g_clear_pointer (&self->complaint, g_free);
  self->connected_at = g_get_monotonic_time ();
  self->pause = FIRST_PAUSE;
  self->next_beat = self->next_fetch = 0;
  self->fetch_pause = FIRST_LOOK;
  return TRUE;
}

/* Waits for the end of a run, or for what is due next. */
static void
wait_for_end (FerryHostQueue *self)
{
  gint64 until = ferry_streams_is_connected (self->stream) ? MIN (self->next_beat, self->next_look) : self->next_try;
  gint64 time = MIN (until - g_get_monotonic_time (), COURTESY_LOOK * G_TIME_SPAN_MILLISECOND);
  Run *run;

  if (ferry_streams_is_connected (self->stream) && get_room (self) > 0)
    time = MIN (time, self->next_fetch - g_get_monotonic_time ());
  run = time > 0 ? g_async_queue_timeout_pop (self->ended, (guint64) time) : NULL;
  if (run != NULL && run != &wake_up)
    g_queue_push_tail (&self->unstored, run);
}

static gboolean
work (FerryHostQueue *self)
{
  gint64 now = g_get_monotonic_time ();
  guint room;

  if (!beat (self) || !store_ends (self) || (now >= self->next_look && !look (self)))
    return FALSE;
  room = get_room (self);
  return room == 0 || g_get_monotonic_time () < self->next_fetch || fetch (self, room);
}

static gboolean
goes_on (FerryHostQueue *self)
{
  return !atomic_load_explicit (&self->is_over, memory_order_relaxed) &&
         !(atomic_load_explicit (&self->is_draining, memory_order_relaxed) && g_hash_table_size (self->runs) == 0);
}

static gpointer
run_thread (gpointer data)
{
  FerryHostQueue *self = data;

  while (goes_on (self))
    {
      if (!try_to_connect (self))
        wait_for_end (self);
      else if (!work (self))
        {
          g_autoptr (GError) error = ferry_streams_disconnect (self->stream);

          note_failure (self, error);
        }
      else
        wait_for_end (self);
    }
  ferry_streams_free (self->stream);
  g_hash_table_unref (self->runs);
  g_free (self->complaint);
  return NULL;
}

/* The thread has ended: its reference is the post's. */
static void
thread_ended (gpointer data)
{
  FerryHostQueue *self = data;

  ferry_mailbox_post (self->context, tell_drained, self, queue_unref);
}

/* any: the process ends. */
static void
end_thread (gpointer data)
{
  FerryHostQueue *self = data;

  atomic_store_explicit (&self->is_over, TRUE, memory_order_relaxed);
  g_async_queue_push (self->ended, &wake_up);
}

/* ---- the host ---- */

static gboolean
look_at_service (gpointer data)
{
  FerryHostQueue *self = data;
  FerryHostServiceCounts counts = ferry_host_service_get_counts (self->service);

  atomic_store_explicit (&self->n_others, counts.n_waiting + counts.n_running + counts.n_reserved,
                         memory_order_relaxed);
  atomic_store_explicit (&self->placed_at, counts.placed_at, memory_order_relaxed);
  return G_SOURCE_CONTINUE;
}

FerryHostQueue *
ferry_host_queue_new (FerryPool *pool, FerryHostService *service, const FerryBusSettings *settings, const char *queue,
                      gint64 ack_wait, const char *const *functions, const char *const *labels,
                      void (*drained) (gpointer data), gpointer data, GError **error)
{
  FerryStreams *stream = ferry_streams_new (settings, queue, ack_wait, error);
  FerryHostQueue *self;

  if (stream == NULL)
    return NULL;
  self = g_new0 (FerryHostQueue, 1);
  g_atomic_ref_count_init (&self->references);
  self->service = service;
  self->look_timer = g_timeout_add (COURTESY_LOOK, look_at_service, self);
  self->pool = g_object_ref (pool);
  self->executor = ferry_executor_new (pool);
  g_object_get (pool, "max-workers", &self->n_workers, NULL);
  self->context = g_main_context_ref (ferry_executor_get_router (self->executor)->context);
  self->host = g_strdup (settings->host);
  self->user = g_strdup (ferry_streams_get_queue (stream));
  self->ack_wait = ack_wait;
  self->instance = g_uuid_string_random ();
  self->functions = g_strdupv ((char **) functions);
  self->labels = g_strdupv ((char **) labels);
  self->ended = g_async_queue_new ();
  self->drained = drained;
  self->data = data;
  self->stream = stream;
  self->runs = g_hash_table_new (g_str_hash, g_str_equal);
  self->pause = FIRST_PAUSE;
  self->started = g_ptr_array_new ();
  g_signal_connect (pool, "notify::error", G_CALLBACK (pool_changed), self);
  ferry_host_service_set_queue (service, worker_printed, count_runs, self);
  if (ferry_nats_thread_start ("ferry-queue", "the queue's streams", run_thread, queue_ref (self), end_thread,
                               thread_ended, error))
    return self;
  g_hash_table_unref (self->runs);
  ferry_streams_free (self->stream);
  queue_unref (self);
  ferry_host_queue_free (self);
  return NULL;
}

void
ferry_host_queue_drain (FerryHostQueue *self)
{
  atomic_store_explicit (&self->is_draining, TRUE, memory_order_relaxed);
  g_async_queue_push (self->ended, &wake_up);
}

guint
ferry_host_queue_get_n_running (FerryHostQueue *self)
{
  return atomic_load_explicit (&self->n_runs, memory_order_relaxed);
}

void
ferry_host_queue_free (FerryHostQueue *self)
{
  self->drained = NULL;
  end_thread (self);
  g_source_remove (self->look_timer);
  ferry_host_service_set_queue (self->service, NULL, NULL, NULL);
  g_signal_handlers_disconnect_by_data (self->pool, self);
  g_clear_object (&self->executor);
  g_clear_pointer (&self->started, g_ptr_array_unref);
  g_clear_object (&self->pool);
  queue_unref (self);
}
