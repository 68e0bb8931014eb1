/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The application's end of a session with a host. See ferry-run-session-private.h.
 *
 * A transport may receive on a thread of its own. What it delivers there is posted to the router's thread. What arrives
 * on the router's thread itself is delivered at once, unless a post is on its way.
 *
 * The end: the transactions end each question with the reason of the transport's end. This is told from an answer of
 * the host by the state of the transport, which is closed before. The first question that ends so stands for all. */

#include "config.h"

#include "cluster/ferry-run-session-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-mailbox-private.h"
#include "call/ferry-transport-private.h"
#include "cluster/ferry-session-private.h"
#include "route/ferry-router-private.h"

struct _FerryRunSession
{
  _Atomic gint references;
  FerryTransport *transport; /* const: (owned) */
  FerryTransactions *transactions;
  GThread *thread;         /* const: the router's */
  GMainContext *context;   /* const: (owned) */
  _Atomic guint n_posted;  /* how many posts have not run yet */
  _Atomic gboolean ending; /* any: the end was delivered, or is posted */

  const FerryRunSessionFuncs *funcs; /* const, as owner: (unowned) */
  gpointer owner;
  gboolean over;        /* router's thread, as all below: nothing is delivered any more */
  GHashTable *asked;    /* (owned) (element-type guint64 Question): by the xid, which is in the question */
  GQueue untold;        /* (owned) (element-type Telling): one-way requests that wait for room */
  gboolean awaits_room; /* a notice of room was asked for */
};

/* A question to the host. */
typedef struct
{
  _Atomic gint references;  /* one of the transactions, of the table, and of each post */
  FerryRunSession *session; /* (owned) */
  const FerryRunAnswerFuncs *funcs;
  gpointer data;
  guint64 xid; /* router's thread: key in the session's table; 0: nothing is delivered any more */
} Question;

/* A one-way request that waits for room. */
typedef struct
{
  const char *method; /* (unowned): a constant */
  GVariant *arguments;
} Telling;

/* What has arrived on another thread. */
typedef struct
{
  Question *question;
  gboolean is_answer;
  gboolean refused;
  char *name;      /* (owned) (nullable) */
  GVariant *value; /* (owned) (nullable) */
  GError *error;   /* (owned) (nullable) */
  char *trace;     /* (owned) (nullable) */
} Arrival;

static void
telling_free (gpointer data)
{
  Telling *self = data;

  g_variant_unref (self->arguments);
  g_free (self);
}

static FerryRunSession *
session_ref (FerryRunSession *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

void
ferry_run_session_unref (FerryRunSession *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
  g_hash_table_unref (self->asked);
  g_queue_clear_full (&self->untold, telling_free);
  g_main_context_unref (self->context);
  g_object_unref (self->transport);
  g_free (self);
}

/* ---- Questions, and what arrives for them ---- */

static void
question_ref (gpointer data)
{
  ferry_ref_count_inc (&((Question *) data)->references);
}

static void
question_unref (gpointer data)
{
  Question *self = data;

  if (!ferry_ref_count_dec (&self->references))
    return;
  ferry_run_session_unref (self->session);
  g_free (self);
}

static void
arrival_free (gpointer data)
{
  Arrival *self = data;

  question_unref (self->question);
  g_free (self->name);
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_error (&self->error);
  g_free (self->trace);
  g_free (self);
}

/* Returns whether the question was open. The caller must hold a reference. */
static gboolean
close_question (Question *self)
{
  if (self->xid == 0)
    return FALSE;
  g_hash_table_remove (self->session->asked, &self->xid);
  self->xid = 0;
  return TRUE;
}

static void
deliver_end (FerryRunSession *self)
{
  g_autoptr (GError) reason = ferry_transport_dup_reason (self->transport);

  if (self->over)
    return;
  self->over = TRUE;
  self->funcs->ended (self->owner, reason);
}

static void
run_end (gpointer data)
{
  FerryRunSession *self = data;

  atomic_fetch_sub (&self->n_posted, 1);
  deliver_end (self);
}

static void
run_arrival (gpointer data)
{
  Arrival *arrival = data;
  Question *question = arrival->question;

  atomic_fetch_sub (&question->session->n_posted, 1);
  if (question->session->over || question->xid == 0)
    return;
  if (!arrival->is_answer)
    question->funcs->item (question->data, arrival->name, arrival->value);
  else if (close_question (question))
    question->funcs->done (question->data, arrival->value, arrival->error, arrival->trace, arrival->refused);
}

/* any: whether what has arrived can be delivered at once. */
static gboolean
may_deliver (FerryRunSession *self)
{
  return g_thread_self () == self->thread && atomic_load (&self->n_posted) == 0;
}

static void
post (FerryRunSession *self, FerryMailboxFunc func, gpointer data, GDestroyNotify destroy)
{
  atomic_fetch_add (&self->n_posted, 1);
  ferry_mailbox_post (self->context, func, data, destroy);
}

/* any */
static void
question_item (gpointer data, const char *name, GVariant *value)
{
  Question *self = data;
  Arrival *arrival;

  if (may_deliver (self->session))
    {
      if (!self->session->over && self->xid != 0)
        self->funcs->item (self->data, name, value);
      return;
    }
  question_ref (self);
  arrival = g_new0 (Arrival, 1);
  arrival->question = self;
  arrival->name = g_strdup (name);
  arrival->value = value != NULL ? g_variant_ref (value) : NULL;
  post (self->session, run_arrival, arrival, arrival_free);
}

/* any: the transport has ended. */
static void
end (FerryRunSession *self)
{
  if (atomic_exchange (&self->ending, TRUE))
    return;
  if (may_deliver (self))
    deliver_end (self);
  else
    post (self, run_end, session_ref (self), (GDestroyNotify) ferry_run_session_unref);
}

/* any */
static void
question_done (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  Question *self = data;
  FerryRunSession *session = self->session;
  Arrival *arrival;

  if (error != NULL && ferry_transport_get_closed (session->transport))
    {
      end (session);
      question_unref (self);
      return;
    }
  if (may_deliver (session))
    {
      if (!session->over && close_question (self))
        self->funcs->done (self->data, result, error, trace, refused);
      question_unref (self);
      return;
    }
  arrival = g_new0 (Arrival, 1);
  arrival->question = self;
  arrival->is_answer = TRUE;
  arrival->refused = refused;
  arrival->value = result != NULL ? g_variant_ref (result) : NULL;
  arrival->error = error != NULL ? ferry_error_copy (error) : NULL;
  arrival->trace = g_strdup (trace);
  post (session, run_arrival, arrival, arrival_free);
}

static const FerryAnswerFuncs answer_funcs = {
  .item = question_item,
  .done = question_done,
  .hold = question_ref,
  .release = question_unref,
};

/* ---- Room ---- */

static void await_room (FerryRunSession *self, guint64 count);

/* Returns FALSE if there is no room. */
static gboolean
try_to_tell (FerryRunSession *self, const char *method, GVariant *arguments)
{
  const FerryRequest request = {.method = method, .arguments = arguments, .flags = FERRY_CALL_ONE_WAY};
  guint64 count = ferry_transport_get_room_count (self->transport);
  g_autoptr (GError) error = NULL;

  if (ferry_transactions_ask (self->transactions, &request, NULL, NULL, &error) != 0 ||
      !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    return TRUE;
  await_room (self, count);
  return FALSE;
}

static void
use_room (gpointer data)
{
  FerryRunSession *self = data;
  Telling *telling;

  self->awaits_room = FALSE;
  while (!self->over && (telling = g_queue_peek_head (&self->untold)) != NULL)
    {
      if (!try_to_tell (self, telling->method, telling->arguments))
        return;
      telling_free (g_queue_pop_head (&self->untold));
    }
  if (!self->over)
    self->funcs->has_room (self->owner);
}

/* any: there is room in the transport, or it has ended. */
static gboolean
room_came (gpointer data)
{
  FerryRunSession *self = data;

  ferry_mailbox_post (self->context, use_room, self, (GDestroyNotify) ferry_run_session_unref);
  return TRUE;
}

/* count: the transport's count of room before a message was refused. */
static void
await_room (FerryRunSession *self, guint64 count)
{
  if (self->awaits_room)
    return;
  self->awaits_room = TRUE;
  ferry_transport_send_later (self->transport, room_came, session_ref (self), count);
}

/* ---- Asking and telling ---- */

guint64
ferry_run_session_ask (FerryRunSession *self, const FerryRequest *request, const FerryRunAnswerFuncs *funcs,
                       gpointer data, GError **error)
{
  guint64 count = ferry_transport_get_room_count (self->transport);
  g_autoptr (GError) failure = NULL;
  Question *question = g_new0 (Question, 1);
  guint64 xid;

  atomic_init (&question->references, 2);
  question->session = session_ref (self);
  question->funcs = funcs;
  question->data = data;
  /* The answer cannot be delivered before this function returns: this is the router's thread. */
  xid = ferry_transactions_ask (self->transactions, request, &answer_funcs, question, &failure);
  if (xid == 0)
    {
      if (g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
        await_room (self, count);
      g_propagate_error (error, g_steal_pointer (&failure));
      question_unref (question);
    }
  else
    {
      question->xid = xid;
      question_ref (question);
      g_hash_table_insert (self->asked, &question->xid, question);
    }
  question_unref (question);
  return xid;
}

static gboolean
drop_request (FerryRunSession *self, guint64 xid)
{
  return FERRY_IS_SESSION (self->transport) && ferry_session_drop_request (FERRY_SESSION (self->transport), xid);
}

/* Takes a question out of all tables. is_dropped: the host has no such request, so it need not hear of a cancel. */
static void
forget (FerryRunSession *self, guint64 xid, gboolean is_dropped)
{
  Question *question = g_hash_table_lookup (self->asked, &xid);
  gboolean was_asked;

  if (question == NULL)
    return;
  question_ref (question);
  close_question (question);
  if (is_dropped)
    was_asked = ferry_transactions_forget (self->transactions, xid);
  else
    was_asked = ferry_transactions_abandon (self->transactions, xid, FERRY_CANCEL_REASON_CANCELLED) != NULL;
  if (was_asked)
    question_unref (question);
  question_unref (question);
}

gboolean
ferry_run_session_abandon (FerryRunSession *self, guint64 xid)
{
  gboolean is_dropped = drop_request (self, xid);

  forget (self, xid, is_dropped);
  return is_dropped;
}

gboolean
ferry_run_session_drop (FerryRunSession *self, guint64 xid)
{
  gboolean is_dropped = drop_request (self, xid);

  if (is_dropped)
    forget (self, xid, TRUE);
  return is_dropped;
}

void
ferry_run_session_tell (FerryRunSession *self, const char *method, GVariant *arguments)
{
  g_autoptr (GVariant) sunk = g_variant_ref_sink (arguments);
  Telling *telling;

  if (self->over || (!self->awaits_room && try_to_tell (self, method, sunk)))
    return;
  telling = g_new (Telling, 1);
  *telling = (Telling){method, g_steal_pointer (&sunk)};
  g_queue_push_tail (&self->untold, telling);
}

FerryTransport *
ferry_run_session_get_transport (FerryRunSession *self)
{
  return self->transport;
}

FerryTransactions *
ferry_run_session_get_transactions (FerryRunSession *self)
{
  return self->transactions;
}

/* ---- Life cycle ---- */

void
ferry_run_session_close (FerryRunSession *self, const GError *reason)
{
  GHashTableIter iter;
  gpointer question;

  self->over = TRUE;
  g_hash_table_iter_init (&iter, self->asked);
  while (g_hash_table_iter_next (&iter, NULL, &question))
    ((Question *) question)->xid = 0;
  g_hash_table_remove_all (self->asked);
  ferry_transport_end (self->transport, reason);
}

FerryRunSession *
ferry_run_session_new (FerryTransport *transport, FerryRouter *router, const FerryRunSessionFuncs *funcs,
                       gpointer owner)
{
  FerryRunSession *self = g_new0 (FerryRunSession, 1);

  atomic_init (&self->references, 1);
  self->transport = g_object_ref (transport);
  self->transactions = ferry_transport_get_transactions (transport);
  self->thread = g_thread_self ();
  self->context = g_main_context_ref (router->context);
  self->funcs = funcs;
  self->owner = owner;
  self->asked = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, question_unref);
  g_queue_init (&self->untold);
  return self;
}
