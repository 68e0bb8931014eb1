/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The application's end of a queue's streams: sends tasks, takes them back, and looks how they have ended.
 *
 * It has an item for each task that may be there. What is to be done with one is written in it until it is done,
 * however often the connection ends meanwhile. After each connect the items are held against what is there. So the
 * streams may lose what they like: the queue's file has it.
 *
 * The word in 'begun' stays for an hour when a task is over: a host that has fetched the task, and was stopped before
 * it began it, must find that somebody has.
 *
 * 'mark' is the first message of a file in the stream of ends. If it is gone, so are the words in 'begun', and nobody
 * knows what was begun. Each task is sent with the mark of the time, and hosts begin none that has another one. So
 * there is a new one once each item was judged, and all words say so: until then nobody begins anything. What no host
 * has ever had is sent again.
 *
 * A cancel waits for a host that has begun the task: that one reads the word, ends the task, and writes how. What a
 * host has begun and is not there any more has nobody who takes it over: the host is asked by a word whether it runs
 * it. One that is silent for longer than the stream waits for a host is lost.
 *
 * Where the server has no room, what was to be done is done later. A task that was refused is nowhere but here, and may
 * be begun here at once. So may one that is there, and was never given to a host, once it is removed.
 *
 * Owner:   counted references: the queue's until it closes it, the thread's, and those of posts.
 * Threads: the router's, which never waits; what may wait is done by a thread of its own.
 * Trust:   hosts are trusted with the tasks of their queue, and with nothing else: what they write is judged. */

#include "config.h"

#include "cluster/ferry-cluster-away-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-mailbox-private.h"
#include "cluster/ferry-away-message-private.h"
#include "cluster/ferry-nats-thread-private.h"
#include "cluster/ferry-run-message-private.h"
#include "cluster/ferry-streams-private.h"

/* How often it is looked whether tasks have ended, while some are there, in microseconds: soon after some have, and
 * twice as long each time that none has. */
#define FIRST_POLL (25 * G_TIME_SPAN_MILLISECOND)
#define LAST_POLL (500 * G_TIME_SPAN_MILLISECOND)
/* The pause between two attempts to connect doubles from the first to the last. */
#define FIRST_PAUSE (200 * G_TIME_SPAN_MILLISECOND)
#define LAST_PAUSE (4 * G_USEC_PER_SEC)
/* How often it is looked whether the streams have lost something: which part of the cut timeout, in microseconds at
 * most, and how many times longer than the look is the time until the next one at least: many tasks make a long list.
 */
#define COMPARE_CUT_PART 6
#define COMPARE_TIME (5 * G_USEC_PER_SEC)
#define COMPARE_SHARE 50
/* When it is tried again, in microseconds, where the server had no room. */
#define NO_ROOM_TIME (5 * G_USEC_PER_SEC)
/* How long a host may take to answer, beyond the time for which the stream waits for one, in microseconds. */
#define ANSWER_TIME (10 * G_USEC_PER_SEC)
/* How long the word in 'begun' stays of a task that is over. */
#define MEMORY_TIME (3600 * (gint64) G_USEC_PER_SEC)
/* How many of them are looked at, each time. */
#define MAX_FORGOTTEN 1000
/* How many ends are read before those that were are stored. */
#define MAX_UNSETTLED 256

typedef enum
{
  WANTS_NOTHING,
  WANTS_SEND,
  WANTS_TAKE,
  WANTS_CANCEL,
  WANTS_SETTLE,
} Want;

/* A task that may be there. The thread's. */
typedef struct
{
  char *id;
  Want want;
  GBytes *bytes; /* (owned) (nullable): to be sent */
  FerryAwayClass class;
  gboolean is_there;   /* it was sent, as far as is known */
  gboolean is_unsure;  /* it may be there all the same: the answer was lost, or a host may have fetched it */
  gboolean is_refused; /* the server had no room for it, by which the order to send it was answered */
  gboolean waits;      /* what it wants is done later */
  gboolean is_begun;   /* that was told */
  gboolean is_last;    /* a host has begun it, and the task is not there any more */
  gboolean is_leaving; /* it was cancelled, and its host has to end it */
  gint64 asked_at;     /* monotonic time: since when its host is silent; 0: it was not asked */
  gboolean has_ended;  /* that was told */
  gboolean is_unknown; /* nobody here knows it: nothing is told */
} Item;

typedef enum
{
  ORDER_EXPECT,
  ORDER_BEGIN,
  ORDER_SEND,
  ORDER_TAKE,
  ORDER_CANCEL,
  ORDER_SETTLE,
  ORDER_CLOSE,
} OrderKind;

typedef struct
{
  OrderKind kind;
  char *id;      /* (owned) (nullable) */
  GBytes *bytes; /* (owned) (nullable) */
  FerryAwayClass class;
} Order;

/* A word in 'begun' of a task that is over. */
typedef struct
{
  char *id;
  gint64 since; /* monotonic time */
} Memory;

typedef struct
{
  FerryAway away;
  gatomicrefcount references;
  GMainContext *context;       /* const: (owned) */
  char *file;                  /* const */
  char *instance;              /* const */
  const FerryAwayFuncs *funcs; /* const */
  gint64 compare_time;         /* const: in microseconds */
  GAsyncQueue *orders;         /* const: (owned) (element-type Order) */

  gpointer owner;        /* main: (unowned) (nullable): NULL once it is closed */
  gboolean is_reachable; /* main */
  GError *error;         /* main: (owned) (nullable) */
  guint n_open;          /* main: orders that were not answered */

  FerryStreams *stream; /* the thread's, as all below: (owned) */
  GHashTable *items;    /* (owned) (element-type utf8 Item) */
  GQueue wanting;       /* (element-type utf8) (owned): ids of items that may want something */
  GQueue postponed;     /* (element-type utf8) (owned): ids of those for which the server had no room */
  GQueue memories;      /* (element-type Memory) (owned) */
  char *mark;           /* (owned) (nullable): NULL until it was compared once */
  gboolean has_begun;
  gboolean has_cleaned;
  gboolean is_over;
  guint n_unsettled;
  gint64 pause;
  gint64 next_try;
  gint64 next_poll;
  gint64 poll_pause;
  gint64 next_compare;
  gint64 next_room; /* when those that were postponed are looked at again */
} Away;

/* What the router's thread is told. */
typedef struct
{
  Away *away;     /* (owned) */
  char *id;       /* (owned) (nullable): NULL: of the connection */
  guint n_orders; /* how many are answered by that */
  FerryAwayNews news;
  FerryAwayEnd end;
  char *host;
  gboolean is_reachable;
  GError *error;
} Post;

static void
away_unref (gpointer data)
{
  Away *self = data;

  if (!g_atomic_ref_count_dec (&self->references))
    return;
  g_async_queue_unref (self->orders);
  g_main_context_unref (self->context);
  g_clear_error (&self->error);
  g_free (self->file);
  g_free (self->instance);
  g_free (self);
}

static void
item_free (gpointer data)
{
  Item *self = data;

  g_free (self->id);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_free (self);
}

static void
order_free (gpointer data)
{
  Order *self = data;

  g_free (self->id);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_free (self);
}

static void
memory_free (gpointer data)
{
  Memory *self = data;

  g_free (self->id);
  g_free (self);
}

/* ---- what the router's thread is told ---- */

static void
post_free (gpointer data)
{
  Post *self = data;

  g_free (self->id);
  g_free (self->host);
  g_clear_error (&self->error);
  ferry_away_end_clear (&self->end);
  away_unref (self->away);
  g_free (self);
}

static void
deliver (gpointer data)
{
  Post *post = data;
  Away *self = post->away;

  self->n_open -= post->n_orders;
  if (self->owner == NULL)
    return;
  if (post->id != NULL)
    {
      self->funcs->news (self->owner, post->id, &post->news);
      return;
    }
  if (post->n_orders == 0)
    {
      self->is_reachable = post->is_reachable;
      g_clear_error (&self->error);
      self->error = g_steal_pointer (&post->error);
    }
  self->funcs->changed (self->owner);
}

static Post *
post_new (Away *away, const char *id, guint n_orders)
{
  Post *self = g_new0 (Post, 1);

  g_atomic_ref_count_inc (&away->references);
  self->away = away;
  self->id = g_strdup (id);
  self->n_orders = n_orders;
  return self;
}

static void
send_post (Post *post)
{
  ferry_mailbox_post (post->away->context, deliver, post, post_free);
}

/* Takes error. */
static void
tell_connection (Away *self, gboolean is_reachable, GError *error)
{
  Post *post = post_new (self, NULL, 0);

  post->is_reachable = is_reachable;
  post->error = error;
  send_post (post);
}

/* host: (nullable). n_orders: how many that answers. */
static void
tell (Away *self, Item *item, FerryAwayKind kind, const char *host, guint n_orders)
{
  Post *post = item->is_unknown ? NULL : post_new (self, item->id, n_orders);

  if (post == NULL)
    return;
  post->host = g_strdup (host);
  post->news = (FerryAwayNews){.kind = kind, .host = post->host};
  send_post (post);
}

/* Takes what end has. */
static void
tell_end (Away *self, Item *item, FerryAwayEnd *end, guint n_orders)
{
  Post *post = post_new (self, item->id, n_orders);

  post->end = *end;
  *end = (FerryAwayEnd){0};
  post->news = (FerryAwayNews){.kind = FERRY_AWAY_ENDED,
                               .host = post->end.host,
                               .attempts = post->end.attempts,
                               .result = post->end.result,
                               .error = post->end.error,
                               .trace = post->end.trace};
  send_post (post);
}

/* ---- an item ---- */

static char *
name (Away *self, const char *what, const char *id)
{
  return g_strdup_printf ("%s.%s.%s", what, self->file, id);
}

static void
want (Away *self, Item *item, Want what)
{
  item->want = what;
  item->waits = FALSE;
  g_queue_push_tail (&self->wanting, g_strdup (item->id));
}

static Item *
add_item (Away *self, const char *id)
{
  Item *item = g_hash_table_lookup (self->items, id);

  if (item != NULL)
    return item;
  item = g_new0 (Item, 1);
  item->id = g_strdup (id);
  g_hash_table_insert (self->items, item->id, item);
  return item;
}

/* Its task is over. */
static void
remember (Away *self, const char *id)
{
  Memory *memory = g_new0 (Memory, 1);

  memory->id = g_strdup (id);
  memory->since = g_get_monotonic_time ();
  g_queue_push_tail (&self->memories, memory);
}

static void
remove_item (Away *self, Item *item)
{
  remember (self, item->id);
  self->n_unsettled -= item->has_ended;
  g_hash_table_remove (self->items, item->id);
}

/* instance: which start of the application. Of the mark it is the mark's name. */
static GBytes *
make_word (FerryAwayBeginner by, const char *instance)
{
  const FerryAwayBegun begun = {.by = by, .host = (char *) "", .instance = (char *) instance};

  return ferry_away_begun_to_bytes (&begun);
}

/* Nobody begins the task from now on: it leaves the stream of what waits. */
static FerryStreamsAnswer
clear_task (Away *self, const Item *item)
{
  g_autofree char *subject = g_strdup_printf ("task.*.%s.%s", self->file, item->id);

  return ferry_streams_purge (self->stream, subject);
}

static gboolean compare (Away *self);

/* ---- what is to be done with an item. Each returns whether there is a connection still ---- */

/* How many orders are answered by what is told next. */
static guint
count_orders (const Item *item)
{
  return item->want != WANTS_NOTHING && !(item->want == WANTS_SEND && item->is_refused);
}

/* The server has no room for what the item wants. */
static void
postpone (Away *self, Item *item)
{
  item->waits = TRUE;
  if (self->postponed.length == 0)
    {
      self->next_room = g_get_monotonic_time () + NO_ROOM_TIME;
      tell_connection (self, TRUE, g_error_copy (ferry_streams_get_shortage (self->stream)));
    }
  g_queue_push_tail (&self->postponed, g_strdup (item->id));
}

static void
refuse_item (Away *self, Item *item)
{
  postpone (self, item);
  if (count_orders (item) > 0)
    send_post (post_new (self, NULL, 1));
  item->is_refused = TRUE;
}

static gboolean
send_item (Away *self, Item *item)
{
  g_autofree char *subject =
    g_strdup_printf ("task.%s.%s.%s", ferry_streams_name_class (item->class), self->file, item->id);
  FerryStreamsAnswer answer = ferry_streams_create (self->stream, subject, item->bytes, self->mark);
  const guint n_orders = count_orders (item);

  item->is_unsure = item->is_unsure || answer == FERRY_STREAMS_LOST;
  if (answer == FERRY_STREAMS_LOST)
    return FALSE;
  if (answer == FERRY_STREAMS_NO_ROOM)
    {
      refuse_item (self, item);
      return TRUE;
    }
  item->want = WANTS_NOTHING;
  item->is_refused = FALSE;
  g_clear_pointer (&item->bytes, g_bytes_unref);
  if (answer == FERRY_STREAMS_TOO_LARGE)
    {
      tell (self, item, FERRY_AWAY_TOO_LARGE, NULL, n_orders);
      remove_item (self, item);
      return TRUE;
    }
  item->is_there = TRUE;
  tell (self, item, FERRY_AWAY_SENT, NULL, n_orders);
  return TRUE;
}

/* Reads how it has ended, and tells it. Sets *found. */
static gboolean
read_end (Away *self, Item *item, guint n_orders, gboolean *found)
{
  g_autofree char *subject = name (self, "end", item->id);
  g_auto (FerryStreamsMessage) message = {0};
  g_auto (FerryAwayEnd) end = {0};
  g_autoptr (GError) error = NULL;
  FerryStreamsAnswer answer = ferry_streams_read (self->stream, subject, &message);

  *found = answer == FERRY_STREAMS_DONE;
  if (answer != FERRY_STREAMS_DONE)
    return answer == FERRY_STREAMS_NOTHING;
  if (!ferry_away_end_from_bytes (&end, message.bytes, &error))
    end = (FerryAwayEnd){.host = g_strdup (""), .error = g_steal_pointer (&error)};
  self->n_unsettled += !item->has_ended;
  item->has_ended = TRUE;
  tell_end (self, item, &end, n_orders);
  return TRUE;
}

/* Somebody has the word of an item that was to be taken. */
static gboolean
read_beginner (Away *self, Item *item)
{
  g_autofree char *subject = name (self, "begun", item->id);
  g_auto (FerryStreamsMessage) message = {0};
  g_auto (FerryAwayBegun) begun = {0};
  FerryStreamsAnswer answer = ferry_streams_read (self->stream, subject, &message);
  const guint n_orders = count_orders (item);
  gboolean found = FALSE;

  if (answer == FERRY_STREAMS_NOTHING)
    return TRUE; /* it is tried again */
  if (answer != FERRY_STREAMS_DONE || !read_end (self, item, n_orders, &found))
    return FALSE;
  item->want = WANTS_NOTHING;
  if (found)
    return TRUE;
  if (!ferry_away_begun_from_bytes (&begun, message.bytes, NULL) || begun.by == FERRY_AWAY_BY_SOMEBODY ||
      begun.by == FERRY_AWAY_BY_UNKNOWN)
    {
      tell (self, item, FERRY_AWAY_FORGOTTEN, NULL, n_orders);
      remove_item (self, item);
    }
  else if (begun.by == FERRY_AWAY_BY_HOST || begun.by == FERRY_AWAY_BY_ASKED)
    {
      item->is_begun = TRUE;
      tell (self, item, FERRY_AWAY_BEGUN, begun.host, n_orders);
    }
  else
    {
      tell (self, item, FERRY_AWAY_TAKEN, NULL, n_orders);
      remove_item (self, item);
    }
  return TRUE;
}

/* Whether the mark is the one that is known. */
static gboolean
check_mark (Away *self, gboolean *is_there)
{
  g_autofree char *mark = NULL;
  FerryStreamsAnswer answer = ferry_streams_read_mark (self->stream, self->file, &mark);

  if (self->mark == NULL)
    self->mark = g_strdup (mark);
  *is_there = mark != NULL && g_str_equal (self->mark, mark);
  return answer != FERRY_STREAMS_LOST;
}

static void
tell_taken (Away *self, Item *item)
{
  tell (self, item, FERRY_AWAY_TAKEN, NULL, 1);
  remove_item (self, item);
}

/* Whether the task was never given to a host. subject: of the task. Returns whether there is a connection still. */
static gboolean
is_unseen (Away *self, const char *subject, guint64 sequence, gboolean *is_new)
{
  guint64 delivered = 0;
  FerryStreamsAnswer answer = ferry_streams_get_delivered (self->stream, subject, &delivered);

  *is_new = sequence > delivered;
  return answer != FERRY_STREAMS_LOST;
}

/* There is no room for a word. It needs none if no host has ever had the task, and none gets it. */
static gboolean
take_unseen (Away *self, Item *item)
{
  g_autofree char *pattern = g_strdup_printf ("task.*.%s.%s", self->file, item->id);
  g_autoptr (GPtrArray) subjects = NULL;
  g_auto (FerryStreamsMessage) task = {0};
  gboolean is_new = FALSE;
  FerryStreamsAnswer answer = ferry_streams_list (self->stream, FERRY_STREAMS_TASKS, pattern, &subjects);

  if (answer == FERRY_STREAMS_DONE && subjects->len == 1)
    answer = ferry_streams_read (self->stream, subjects->pdata[0], &task);
  if (answer == FERRY_STREAMS_LOST)
    return FALSE;
  if (task.bytes != NULL && !is_unseen (self, subjects->pdata[0], task.sequence, &is_new))
    return FALSE;
  if (is_new &&
      (clear_task (self, item) == FERRY_STREAMS_LOST || !is_unseen (self, subjects->pdata[0], task.sequence, &is_new)))
    return FALSE;
  if (is_new)
    tell_taken (self, item);
  else
    postpone (self, item);
  return TRUE;
}

/* Without the mark, whose word there was is to be judged first. */
static gboolean
take_item (Away *self, Item *item)
{
  g_autofree char *subject = name (self, "begun", item->id);
  g_autoptr (GBytes) word = make_word (FERRY_AWAY_BY_APPLICATION, self->instance);
  FerryStreamsAnswer answer;
  gboolean has_mark;

  /* It was never sent, or was refused. */
  if (!item->is_there && !item->is_unsure)
    {
      tell_taken (self, item);
      return TRUE;
    }
  if (!check_mark (self, &has_mark))
    return FALSE;
  if (!has_mark)
    return compare (self);
  answer = ferry_streams_create (self->stream, subject, word, NULL);
  if (answer == FERRY_STREAMS_CONFLICT)
    return read_beginner (self, item);
  if (answer == FERRY_STREAMS_NO_ROOM)
    return take_unseen (self, item);
  if (answer != FERRY_STREAMS_DONE || clear_task (self, item) == FERRY_STREAMS_LOST)
    return FALSE;
  tell_taken (self, item);
  return TRUE;
}

/* Removes the end of a task, if there is one. Its number is read again each time: a stream that was made anew meanwhile
 * may have another message by that number. */
static gboolean
drop_end (Away *self, const char *id)
{
  g_autofree char *subject = name (self, "end", id);
  g_auto (FerryStreamsMessage) message = {0};
  FerryStreamsAnswer answer = ferry_streams_read (self->stream, subject, &message);

  return answer == FERRY_STREAMS_NOTHING ||
         (answer == FERRY_STREAMS_DONE && ferry_streams_delete (self->stream, message.sequence) != FERRY_STREAMS_LOST);
}

/* Nobody begins the task from now on. Sets *host to who has begun it, if that is not known to have ended it. */
static FerryStreamsAnswer
write_cancel (Away *self, Item *item, char **host)
{
  g_autofree char *subject = name (self, "begun", item->id);
  g_autoptr (GBytes) word = make_word (FERRY_AWAY_BY_NOBODY, self->instance);
  g_autoptr (GBytes) to_host = NULL;
  g_auto (FerryStreamsMessage) message = {0};
  g_auto (FerryAwayBegun) begun = {0};
  FerryStreamsAnswer answer = ferry_streams_create (self->stream, subject, word, NULL);

  if (answer != FERRY_STREAMS_CONFLICT)
    return answer;
  answer = ferry_streams_read (self->stream, subject, &message);
  if (answer != FERRY_STREAMS_DONE)
    return answer == FERRY_STREAMS_NOTHING ? FERRY_STREAMS_CONFLICT : answer;
  if (ferry_away_begun_from_bytes (&begun, message.bytes, NULL) && *begun.host != '\0' && *begun.instance != '\0')
    {
      begun.by = FERRY_AWAY_BY_NOBODY;
      to_host = ferry_away_begun_to_bytes (&begun);
    }
  answer = ferry_streams_replace (self->stream, subject, to_host != NULL ? to_host : word, message.sequence);
  if (answer == FERRY_STREAMS_DONE && to_host != NULL)
    *host = g_steal_pointer (&begun.host);
  return answer;
}

static void
tell_cancelled (Away *self, Item *item, guint n_orders)
{
  tell (self, item, FERRY_AWAY_CANCELLED, NULL, n_orders);
  remove_item (self, item);
}

/* The task is removed first, which may make room for the word. An end that is there is told: the cancel came too late.
 */
static gboolean
cancel_item (Away *self, Item *item)
{
  g_autofree char *host = NULL;
  gboolean has_ended = FALSE;
  FerryStreamsAnswer answer = clear_task (self, item);

  if (answer != FERRY_STREAMS_LOST)
    answer = write_cancel (self, item, &host);
  if (answer == FERRY_STREAMS_NO_ROOM)
    postpone (self, item);
  if (answer != FERRY_STREAMS_DONE)
    return answer == FERRY_STREAMS_NO_ROOM || answer == FERRY_STREAMS_CONFLICT;
  if (item->is_unknown ? !drop_end (self, item->id) : !read_end (self, item, 1, &has_ended))
    return FALSE;
  if (!has_ended && (host == NULL || item->is_unknown))
    {
      tell_cancelled (self, item, 1);
      return TRUE;
    }
  item->want = WANTS_NOTHING;
  if (has_ended)
    return TRUE;
  item->is_there = FALSE;
  item->is_leaving = TRUE;
  item->asked_at = g_get_monotonic_time ();
  send_post (post_new (self, NULL, 1));
  return TRUE;
}

/* Whatever word there is: the end is stored. */
static gboolean
settle_item (Away *self, Item *item)
{
  g_autofree char *subject = name (self, "begun", item->id);
  g_autoptr (GBytes) word = make_word (FERRY_AWAY_BY_SOMEBODY, self->instance);
  FerryStreamsAnswer answer = ferry_streams_replace (self->stream, subject, word, 0);

  if (answer == FERRY_STREAMS_NO_ROOM)
    postpone (self, item);
  if (answer != FERRY_STREAMS_DONE)
    return answer == FERRY_STREAMS_NO_ROOM;
  if (!drop_end (self, item->id))
    return FALSE;
  send_post (post_new (self, NULL, 1));
  remove_item (self, item);
  return TRUE;
}

static gboolean
do_one (Away *self, Item *item)
{
  switch (item->want)
    {
    case WANTS_SEND:
      return send_item (self, item);
    case WANTS_TAKE:
      return take_item (self, item);
    case WANTS_CANCEL:
      return cancel_item (self, item);
    case WANTS_SETTLE:
      return settle_item (self, item);
    default:
      return TRUE;
    }
}

/* ---- what is there ---- */

/* Returns (transfer full) (nullable) the ids (element-type utf8 utf8) that subjects have behind beginning, and these
 * subjects; NULL: lost. */
static GHashTable *
list_ids (Away *self, FerryStreamsKind kind, const char *what)
{
  g_autoptr (GPtrArray) subjects = NULL;
  g_autoptr (GHashTable) ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *pattern = g_strdup_printf ("%s.%s.*", what, self->file);

  if (ferry_streams_list (self->stream, kind, pattern, &subjects) == FERRY_STREAMS_LOST)
    return NULL;
  for (guint i = 0; i < subjects->len; i++)
    {
      const char *dot = strrchr (subjects->pdata[i], '.');

      if (dot != NULL && ferry_token_is_valid (dot + 1))
        g_hash_table_insert (ids, g_strdup (dot + 1), g_strdup (subjects->pdata[i]));
    }
  return g_steal_pointer (&ids);
}

static gboolean
write_mark (Away *self)
{
  g_autofree char *subject = g_strconcat ("mark.", self->file, NULL);
  g_autofree char *mark = g_uuid_string_random ();
  g_autoptr (GBytes) word = make_word (FERRY_AWAY_BY_APPLICATION, mark);

  if (ferry_streams_replace (self->stream, subject, word, 0) != FERRY_STREAMS_DONE)
    return FALSE;
  g_free (self->mark);
  self->mark = g_steal_pointer (&mark);
  return TRUE;
}

/* It is not there. What is to be done with it is done all the same. */
static void
tell_missing (Away *self, Item *item)
{
  if (item->want != WANTS_NOTHING)
    return;
  item->is_there = FALSE;
  item->is_unsure = TRUE;
  tell (self, item, FERRY_AWAY_MISSING, NULL, 0);
}

/* Removes the task, of that subject (nullable), and finds out whether anybody has ever had it. Nobody gets it then. */
static gboolean
recall_item (Away *self, Item *item, const char *subject, gboolean *is_new)
{
  g_auto (FerryStreamsMessage) task = {0};
  FerryStreamsAnswer answer =
    subject != NULL ? ferry_streams_read (self->stream, subject, &task) : FERRY_STREAMS_NOTHING;

  *is_new = FALSE;
  if (answer == FERRY_STREAMS_LOST || clear_task (self, item) == FERRY_STREAMS_LOST)
    return FALSE;
  return answer != FERRY_STREAMS_DONE || is_unseen (self, subject, task.sequence, is_new);
}

/* Nobody knows whether the task was begun before the stream lost its memory, unless it has ended since, or no host has
 * ever had it: then it is sent again. That nobody begins it now is seen to. subject: (nullable): of the task. */
static gboolean
forget_item (Away *self, Item *item, const char *subject_of_task)
{
  const guint n_orders = count_orders (item);
  g_autofree char *subject = name (self, "begun", item->id);
  g_autoptr (GBytes) word = make_word (FERRY_AWAY_BY_UNKNOWN, self->instance);
  FerryStreamsAnswer answer;
  gboolean has_ended, is_new;

  if (!read_end (self, item, n_orders, &has_ended))
    return FALSE;
  if (has_ended)
    {
      item->want = WANTS_NOTHING;
      return TRUE;
    }
  if (!recall_item (self, item, subject_of_task, &is_new))
    return FALSE;
  if (is_new)
    {
      tell_missing (self, item);
      return TRUE;
    }
  answer = ferry_streams_create (self->stream, subject, word, NULL);
  if (answer == FERRY_STREAMS_CONFLICT)
    return TRUE; /* a host has, meanwhile */
  if (answer != FERRY_STREAMS_DONE)
    return FALSE;
  tell (self, item, FERRY_AWAY_FORGOTTEN, NULL, n_orders);
  remove_item (self, item);
  return TRUE;
}

/* Its end was told, and may not be in the file yet. If it never is, the next start is not to send the task again. */
static gboolean
note_end (Away *self, Item *item)
{
  g_autofree char *subject = name (self, "begun", item->id);
  g_autoptr (GBytes) word = make_word (FERRY_AWAY_BY_SOMEBODY, self->instance);

  return ferry_streams_create (self->stream, subject, word, NULL) != FERRY_STREAMS_LOST;
}

static gboolean
compare_item (Away *self, Item *item, gboolean has_mark, GHashTable *begun, GHashTable *tasks)
{
  if (item->has_ended && !has_mark)
    return note_end (self, item);
  if (!item->is_there || item->has_ended || item->want == WANTS_CANCEL)
    return TRUE;
  if (g_hash_table_contains (begun, item->id))
    {
      item->is_last = !g_hash_table_contains (tasks, item->id);
      return item->want == WANTS_TAKE || item->is_begun || read_beginner (self, item);
    }
  item->is_begun = item->is_last = FALSE;
  if (!has_mark)
    return forget_item (self, item, g_hash_table_lookup (tasks, item->id));
  if (!g_hash_table_contains (tasks, item->id))
    tell_missing (self, item);
  return TRUE;
}

/* Returns (transfer container): the list changes meanwhile. */
static GPtrArray *
list_items (Away *self)
{
  GPtrArray *items = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer item;

  g_hash_table_iter_init (&iter, self->items);
  while (g_hash_table_iter_next (&iter, NULL, &item))
    g_ptr_array_add (items, item);
  return items;
}

/* What waits there and is of no task of the file, is withdrawn. */
static void
withdraw_unknown (Away *self, GHashTable *tasks)
{
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init (&iter, tasks);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    if (!g_hash_table_contains (self->items, id))
      {
        Item *item = add_item (self, id);

        item->is_unknown = TRUE;
        want (self, item, WANTS_CANCEL);
      }
}

/* Words of tasks that were over in an earlier life. */
static void
remember_unknown (Away *self, GHashTable *begun)
{
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init (&iter, begun);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    if (!g_hash_table_contains (self->items, id))
      remember (self, id);
}

/* Holds all items against what is there. What is listed counts if the mark is the same before and after. */
static gboolean
compare (Away *self)
{
  g_autoptr (GHashTable) tasks = NULL;
  g_autoptr (GHashTable) begun = NULL;
  g_autoptr (GPtrArray) items = list_items (self);
  gboolean had_mark, has_mark;

  if (!check_mark (self, &had_mark))
    return FALSE;
  tasks = list_ids (self, FERRY_STREAMS_TASKS, "task.*");
  begun = tasks != NULL ? list_ids (self, FERRY_STREAMS_ENDS, "begun") : NULL;
  if (begun == NULL || !check_mark (self, &has_mark))
    return FALSE;
  self->next_compare = had_mark == has_mark ? g_get_monotonic_time () + self->compare_time : 0;
  if (had_mark != has_mark)
    return TRUE;
  self->has_cleaned = self->has_cleaned && has_mark;
  for (guint i = 0; i < items->len; i++)
    if (!compare_item (self, items->pdata[i], has_mark, begun, tasks))
      return FALSE;
  if (!has_mark && !write_mark (self))
    return FALSE;
  if (!self->has_cleaned)
    {
      withdraw_unknown (self, tasks);
      remember_unknown (self, begun);
    }
  self->has_cleaned = TRUE;
  return TRUE;
}

/* Removes words that nobody can need any more. */
static gboolean
forget_memories (Away *self)
{
  gint64 before = g_get_monotonic_time () - MEMORY_TIME;

  for (guint i = 0; i < MAX_FORGOTTEN; i++)
    {
      Memory *memory = g_queue_peek_head (&self->memories);
      g_autofree char *subject = memory != NULL ? name (self, "begun", memory->id) : NULL;
      g_auto (FerryStreamsMessage) message = {0};
      FerryStreamsAnswer answer;

      if (memory == NULL || memory->since > before)
        return TRUE;
      answer = ferry_streams_read (self->stream, subject, &message);
      if (answer == FERRY_STREAMS_DONE)
        answer = ferry_streams_delete (self->stream, message.sequence);
      if (answer == FERRY_STREAMS_LOST)
        return FALSE;
      memory_free (g_queue_pop_head (&self->memories));
    }
  return TRUE;
}

/* Looks which tasks have ended. */
static gboolean
read_ends (Away *self)
{
  g_autoptr (GHashTable) ends = list_ids (self, FERRY_STREAMS_ENDS, "end");
  GHashTableIter iter;
  gpointer id;

  if (ends == NULL)
    return FALSE;
  g_hash_table_iter_init (&iter, ends);
  while (g_hash_table_iter_next (&iter, &id, NULL) && self->n_unsettled < MAX_UNSETTLED)
    {
      Item *item = g_hash_table_lookup (self->items, id);
      gboolean found;

      if (item == NULL && !drop_end (self, id))
        return FALSE;
      if (item != NULL && !item->has_ended && item->want == WANTS_NOTHING && !read_end (self, item, 0, &found))
        return FALSE;
    }
  return TRUE;
}

/* ---- hosts that have to answer ---- */

/* The server was out of reach, perhaps for the hosts as well. */
static void
wait_anew (Away *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->items);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((Item *) value)->asked_at > 0)
      ((Item *) value)->asked_at = g_get_monotonic_time ();
}

static gboolean
is_silent (Away *self, const Item *item)
{
  return g_get_monotonic_time () - item->asked_at > ferry_streams_get_ack_wait (self->stream) + ANSWER_TIME;
}

/* The host that has begun the task is lost, and nobody else gets it. message: its word. */
static gboolean
take_from_lost (Away *self, Item *item, const char *subject, const FerryStreamsMessage *message)
{
  g_autoptr (GBytes) word = make_word (FERRY_AWAY_BY_UNKNOWN, self->instance);
  FerryStreamsAnswer answer = ferry_streams_replace (self->stream, subject, word, message->sequence);
  gboolean has_ended;

  if (answer != FERRY_STREAMS_DONE)
    return answer != FERRY_STREAMS_LOST;
  if (!read_end (self, item, 0, &has_ended))
    return FALSE;
  if (has_ended)
    return TRUE;
  tell (self, item, FERRY_AWAY_FORGOTTEN, NULL, 0);
  remove_item (self, item);
  return TRUE;
}

/* Of a task that is not there any more, and that a host has begun. */
static gboolean
ask_host (Away *self, Item *item)
{
  g_autofree char *subject = name (self, "begun", item->id);
  g_autoptr (GBytes) question = NULL;
  g_auto (FerryStreamsMessage) message = {0};
  g_auto (FerryAwayBegun) begun = {0};
  FerryStreamsAnswer answer = ferry_streams_read (self->stream, subject, &message);

  if (answer != FERRY_STREAMS_DONE)
    return answer == FERRY_STREAMS_NOTHING;
  if (!ferry_away_begun_from_bytes (&begun, message.bytes, NULL) ||
      (begun.by != FERRY_AWAY_BY_HOST && begun.by != FERRY_AWAY_BY_ASKED))
    return read_beginner (self, item);
  if (*begun.instance == '\0' || (begun.by == FERRY_AWAY_BY_ASKED && item->asked_at > 0 && is_silent (self, item)))
    return take_from_lost (self, item, subject, &message);
  if (begun.by == FERRY_AWAY_BY_ASKED && item->asked_at > 0)
    return TRUE;
  item->asked_at = g_get_monotonic_time ();
  begun.by = FERRY_AWAY_BY_ASKED;
  question = ferry_away_begun_to_bytes (&begun);
  return ferry_streams_replace (self->stream, subject, question, message.sequence) != FERRY_STREAMS_LOST;
}

static gboolean
judge_host (Away *self, Item *item)
{
  guint64 delivered;

  if (item->has_ended || item->want != WANTS_NOTHING || (!item->is_last && !item->is_leaving))
    return TRUE;
  /* How long the stream waits for a host is known by that. */
  if (ferry_streams_get_ack_wait (self->stream) == 0 &&
      ferry_streams_get_delivered (self->stream, "task.normal", &delivered) == FERRY_STREAMS_LOST)
    return FALSE;
  if (!item->is_leaving)
    return ask_host (self, item);
  if (is_silent (self, item))
    tell_cancelled (self, item, 0);
  return TRUE;
}

/* Whether one is not there that should wait there. tasks: those that do. */
static gboolean
is_missing_one (Away *self, GHashTable *tasks)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->items);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Item *item = value;

      if (item->is_there && !item->is_last && !item->has_ended && item->want == WANTS_NOTHING &&
          !g_hash_table_contains (tasks, item->id))
        return TRUE;
    }
  return FALSE;
}

/* Compares if something is missing, and looks which hosts have answered. */
static gboolean
check_memory (Away *self)
{
  const gint64 before = g_get_monotonic_time ();
  g_autoptr (GHashTable) tasks = NULL;
  g_autoptr (GPtrArray) items = NULL;
  gboolean has_mark;

  if (!check_mark (self, &has_mark))
    return FALSE;
  tasks = list_ids (self, FERRY_STREAMS_TASKS, "task.*");
  if (tasks == NULL)
    return FALSE;
  self->next_compare =
    g_get_monotonic_time () + MAX (self->compare_time, COMPARE_SHARE * (g_get_monotonic_time () - before));
  if ((!has_mark || is_missing_one (self, tasks)) && !compare (self))
    return FALSE;
  items = list_items (self);
  for (guint i = 0; i < items->len; i++)
    if (!judge_host (self, items->pdata[i]))
      return FALSE;
  return TRUE;
}

static gboolean
poll_stream (Away *self)
{
  const guint n_before = self->n_unsettled;
  gboolean is_found;

  self->next_poll = g_get_monotonic_time () + LAST_POLL;
  if (g_hash_table_size (self->items) == 0)
    return forget_memories (self);
  if (!read_ends (self))
    return FALSE;
  /* More are there than may be read before those that were are stored. */
  is_found = self->n_unsettled > n_before || self->n_unsettled >= MAX_UNSETTLED;
  self->poll_pause = is_found ? FIRST_POLL : MIN (2 * self->poll_pause, LAST_POLL);
  self->next_poll = g_get_monotonic_time () + self->poll_pause;
  if (g_get_monotonic_time () >= self->next_compare && !check_memory (self))
    return FALSE;
  return forget_memories (self);
}

/* ---- the thread ---- */

static void
take_order (Away *self, Order *order)
{
  static const Want wants[] = {
    [ORDER_SEND] = WANTS_SEND,
    [ORDER_TAKE] = WANTS_TAKE,
    [ORDER_CANCEL] = WANTS_CANCEL,
    [ORDER_SETTLE] = WANTS_SETTLE,
  };
  Item *item = order->id != NULL ? add_item (self, order->id) : NULL;

  if (order->kind == ORDER_CLOSE)
    self->is_over = TRUE;
  else if (order->kind == ORDER_BEGIN)
    self->has_begun = TRUE;
  else if (order->kind == ORDER_EXPECT)
    item->is_there = TRUE;
  else
    {
      /* The later order counts, and answers the earlier one. */
      if (count_orders (item) > 0)
        send_post (post_new (self, NULL, 1));
      item->is_refused = item->is_refused && order->kind != ORDER_SEND;
      g_clear_pointer (&item->bytes, g_bytes_unref);
      item->bytes = g_steal_pointer (&order->bytes);
      item->class = order->class;
      want (self, item, wants[order->kind]);
    }
  order_free (order);
}

/* Takes all orders, and waits for one until then. */
static void
take_orders (Away *self, gint64 until)
{
  gint64 time = until - g_get_monotonic_time ();
  Order *order =
    time > 0 ? g_async_queue_timeout_pop (self->orders, (guint64) time) : g_async_queue_try_pop (self->orders);

  for (; order != NULL; order = g_async_queue_try_pop (self->orders))
    take_order (self, order);
}

/* Takes error. */
static void
note_failure (Away *self, GError *error)
{
  tell_connection (self, FALSE, error);
  self->next_try = g_get_monotonic_time () + self->pause;
  self->pause = MIN (self->pause * 2, LAST_PAUSE);
}

static gboolean
try_to_connect (Away *self)
{
  GError *error = NULL;

  if (ferry_streams_is_connected (self->stream))
    return TRUE;
  if (g_get_monotonic_time () < self->next_try)
    return FALSE;
  if (!ferry_streams_connect (self->stream, 0, &error))
    {
      note_failure (self, error);
      return FALSE;
    }
  if (!compare (self))
    {
      note_failure (self, ferry_streams_disconnect (self->stream));
      return FALSE;
    }
  self->pause = FIRST_PAUSE;
  wait_anew (self);
  tell_connection (self, TRUE, NULL);
  return TRUE;
}

/* What was postponed is wanted again. */
static void
take_up_postponed (Away *self)
{
  char *id;

  if (self->postponed.length == 0 || g_get_monotonic_time () < self->next_room)
    return;
  while ((id = g_queue_pop_head (&self->postponed)) != NULL)
    {
      Item *item = g_hash_table_lookup (self->items, id);

      if (item != NULL)
        item->waits = FALSE;
      g_queue_push_tail (&self->wanting, id);
    }
  tell_connection (self, TRUE, NULL);
}

/* Does what is wanted, for as long as nothing else is to be done. */
static gboolean
do_wanted (Away *self)
{
  guint n;

  take_up_postponed (self);
  n = self->wanting.length;
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *id = g_queue_pop_head (&self->wanting);
      Item *item = g_hash_table_lookup (self->items, id);

      if (item == NULL || item->want == WANTS_NOTHING || item->waits)
        continue;
      if (!do_one (self, item))
        {
          g_queue_push_head (&self->wanting, g_steal_pointer (&id));
          return FALSE;
        }
      item = g_hash_table_lookup (self->items, id);
      if (item != NULL && item->want != WANTS_NOTHING && !item->waits)
        g_queue_push_tail (&self->wanting, g_steal_pointer (&id));
      if (g_get_monotonic_time () >= self->next_poll)
        return TRUE;
    }
  return TRUE;
}

/* Until when there is nothing to do but for an order. Where nothing is away, nothing is polled. */
static gint64
get_time_of_work (Away *self)
{
  const Memory *memory = g_queue_peek_head (&self->memories);
  gint64 never = G_MAXINT64 / 2;

  if (!self->has_begun)
    return never;
  if (!ferry_streams_is_connected (self->stream))
    return self->next_try;
  if (self->wanting.length > 0)
    return 0;
  if (g_hash_table_size (self->items) > 0)
    return self->next_poll;
  return memory != NULL ? memory->since + MEMORY_TIME : never;
}

static gpointer
run (gpointer data)
{
  Away *self = data;

  while (!self->is_over)
    {
      take_orders (self, get_time_of_work (self));
      if (self->is_over || !self->has_begun || !try_to_connect (self))
        continue;
      if (!do_wanted (self) || (g_get_monotonic_time () >= self->next_poll && !poll_stream (self)))
        note_failure (self, ferry_streams_disconnect (self->stream));
    }
  ferry_streams_free (self->stream);
  g_hash_table_unref (self->items);
  g_queue_clear_full (&self->wanting, g_free);
  g_queue_clear_full (&self->postponed, g_free);
  g_queue_clear_full (&self->memories, memory_free);
  g_free (self->mark);
  return NULL;
}

/* ---- the router's thread ---- */

static void
push (FerryAway *away, OrderKind kind, const char *id, const FerryAwayTask *task)
{
  Away *self = (Away *) away;
  Order *order = g_new0 (Order, 1);

  order->kind = kind;
  order->id = g_strdup (id);
  if (task != NULL)
    {
      order->bytes = ferry_away_task_to_bytes (task);
      order->class = task->class;
    }
  if (kind >= ORDER_SEND && kind <= ORDER_SETTLE)
    self->n_open++;
  g_async_queue_push (self->orders, order);
}

static void
away_expect (FerryAway *self, const char *id)
{
  push (self, ORDER_EXPECT, id, NULL);
}

static void
away_begin (FerryAway *self)
{
  push (self, ORDER_BEGIN, NULL, NULL);
}

static void
away_send (FerryAway *self, const char *id, const FerryAwayTask *task)
{
  push (self, ORDER_SEND, id, task);
}

static void
away_take (FerryAway *self, const char *id)
{
  push (self, ORDER_TAKE, id, NULL);
}

static void
away_cancel (FerryAway *self, const char *id)
{
  push (self, ORDER_CANCEL, id, NULL);
}

static void
away_settle (FerryAway *self, const char *id)
{
  push (self, ORDER_SETTLE, id, NULL);
}

static gboolean
away_is_reachable (FerryAway *self)
{
  return ((Away *) self)->is_reachable;
}

static const GError *
away_get_error (FerryAway *self)
{
  return ((Away *) self)->error;
}

static gboolean
away_is_idle (FerryAway *self)
{
  return ((Away *) self)->n_open == 0;
}

static void
away_close (FerryAway *away)
{
  Away *self = (Away *) away;

  self->owner = NULL;
  push (away, ORDER_CLOSE, NULL, NULL);
  away_unref (self);
}

/* any: the process ends. */
static void
end (gpointer away)
{
  push (away, ORDER_CLOSE, NULL, NULL);
}

static const FerryAwayInterface interface = {
  .expect = away_expect,
  .begin = away_begin,
  .send = away_send,
  .take = away_take,
  .cancel = away_cancel,
  .settle = away_settle,
  .is_reachable = away_is_reachable,
  .get_error = away_get_error,
  .is_idle = away_is_idle,
  .close = away_close,
};

FerryAway *
ferry_cluster_away_new (const FerryBusSettings *settings, gint64 cut_timeout, GMainContext *context, const char *file,
                        const FerryAwayFuncs *funcs, gpointer owner, GError **error)
{
  FerryStreams *stream = ferry_streams_new (settings, NULL, 0, error);
  Away *self;

  if (stream == NULL)
    return NULL;
  self = g_new0 (Away, 1);
  g_atomic_ref_count_init (&self->references);
  self->away.interface = &interface;
  self->context = g_main_context_ref (context);
  self->file = g_strdup (file);
  self->instance = g_uuid_string_random ();
  self->funcs = funcs;
  self->compare_time = MIN (cut_timeout / COMPARE_CUT_PART, COMPARE_TIME);
  self->owner = owner;
  self->orders = g_async_queue_new_full (order_free);
  self->stream = stream;
  self->items = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, item_free);
  self->pause = FIRST_PAUSE;
  self->poll_pause = FIRST_POLL;
  g_atomic_ref_count_inc (&self->references);
  if (ferry_nats_thread_start ("ferry-away", "the queue's streams", run, self, end, away_unref, error))
    return &self->away;
  g_hash_table_unref (self->items);
  ferry_streams_free (self->stream);
  away_unref (self);
  away_unref (self);
  return NULL;
}
