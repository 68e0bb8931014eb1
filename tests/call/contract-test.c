/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "call/contract-test.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call/ferry-link-transport.h"
#include "call/transport-test.h"
#include "pool/ferry-pool-private.h"
#include "pool/ferry-pool-worker-private.h"
#include "route/ferry-router-private.h"

struct _ContractKind
{
  const char *name;
  ContractTraits traits;
  void (*connect) (ContractPair *pair);
  const TransportTestKind *both_here; /* (nullable) */
  int killed;                         /* the code with which the end here closes when the other's process is killed */
};

/* A router on a thread of its own, so that the test's thread receives nothing, and what it has at the other end. */
struct _ContractPlace
{
  ContractPair *pair; /* (unowned) */
  GThread *thread;
  GMainContext *context;
  FerryRouter *router;
  FerryWorker *worker;          /* (owned) (nullable) */
  FerryPoolWorker *pool_worker; /* (owned) (nullable) */
  FerryPoolRules rules;
  gboolean killed;

  pthread_mutex_t lock;
  pthread_cond_t changed;
  void (*order) (ContractPlace *self); /* lock: (nullable): what the thread is to do */
  gboolean stops;                      /* lock */
};

/* ---- the router's thread ---- */

static void
finish_order (ContractPlace *self)
{
  pthread_mutex_lock (&self->lock);
  self->order = NULL;
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

static void
take_order (ContractPlace *self)
{
  void (*order) (ContractPlace * self);

  pthread_mutex_lock (&self->lock);
  order = self->order;
  pthread_mutex_unlock (&self->lock);
  if (order == NULL)
    return;
  order (self);
  finish_order (self);
}

static gboolean
has_ended (const ContractPlace *self)
{
  return self->pool_worker != NULL ? self->pool_worker->state == FERRY_POOL_WORKER_ENDED
                                   : ferry_worker_get_state (self->worker) == FERRY_WORKER_STATE_ENDED;
}

static void
check_exit (ContractPlace *self)
{
  FerryWorker *worker = self->pool_worker != NULL ? self->pool_worker->worker : self->worker;
  FerryExit *exit = worker != NULL && !self->killed ? ferry_test_get_object (worker, "exit") : NULL;

  if (exit != NULL && !ferry_exit_is_success (exit))
    g_error ("The process of the other end: %s", ferry_exit_get_message (exit));
}

static gpointer
route (gpointer data)
{
  ContractPlace *self = data;
  gboolean stops = FALSE;

  g_main_context_push_thread_default (self->context);
  self->router = ferry_test_router_new_stopped (self->context);
  g_assert_true (ferry_router_start (self->router, NULL));
  while (!stops || !has_ended (self))
    {
      take_order (self);
      pthread_mutex_lock (&self->lock);
      stops = self->stops;
      pthread_mutex_unlock (&self->lock);
      if (!stops || !has_ended (self))
        g_main_context_iteration (self->context, TRUE);
    }
  check_exit (self);
  g_clear_object (&self->worker);
  g_clear_pointer (&self->pool_worker, ferry_pool_worker_unref);
  ferry_test_router_stop (self->router);
  /* What is still posted to the context has references to it. */
  while (g_main_context_iteration (self->context, FALSE))
    ;
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static void
do_there (ContractPlace *self, void (*order) (ContractPlace *self))
{
  pthread_mutex_lock (&self->lock);
  self->order = order;
  g_main_context_wakeup (self->context);
  while (self->order != NULL)
    pthread_cond_wait (&self->changed, &self->lock);
  pthread_mutex_unlock (&self->lock);
}

static void
place_new (ContractPair *pair, void (*begin) (ContractPlace *self))
{
  ContractPlace *self = g_new0 (ContractPlace, 1);

  self->pair = pair;
  self->context = g_main_context_new ();
  pthread_mutex_init (&self->lock, NULL);
  pthread_cond_init (&self->changed, NULL);
  pair->place = self;
  self->thread = g_thread_new ("route", route, self);
  do_there (self, begin);
}

static void
retire (ContractPlace *self)
{
  if (self->pool_worker != NULL && self->pool_worker->state != FERRY_POOL_WORKER_ENDED)
    ferry_pool_worker_retire (self->pool_worker);
}

/* The other end's process ends by itself, or was killed. */
static void
place_free (ContractPlace *self)
{
  do_there (self, retire);
  pthread_mutex_lock (&self->lock);
  self->stops = TRUE;
  g_main_context_wakeup (self->context);
  pthread_mutex_unlock (&self->lock);
  g_thread_join (self->thread);
  g_main_context_unref (self->context);
  pthread_cond_destroy (&self->changed);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

/* ---- the kinds with an end elsewhere ---- */

static void
connect_here (ContractPair *pair)
{
  FerryTransport *transports[2];

  pair->kind->both_here->connect (&transports[ONE], &transports[OTHER]);
  pair->ends[ONE] = contract_end_new (transports[ONE]);
  pair->ends[OTHER] = contract_end_new (transports[OTHER]);
}

/* A launcher of the worker, and the end in it. */
static FerryLauncher *
launcher_new (ContractPair *pair, const char *what)
{
  g_autofree char *path = ferry_test_build_path ("contract-worker");
  FerryLauncher *launcher = ferry_launcher_new ((const char *[]){path, what, NULL});
  int fds[2];

  g_assert_no_errno (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds));
  ferry_launcher_take_stream_fd (launcher, FERRY_STREAM_STDIN, fds[1]);
  pair->ends[1 - pair->here] = contract_end_new_remote (fds[0]);
  return launcher;
}

static void
begin_link (ContractPlace *self)
{
  g_autoptr (FerryLauncher) launcher = launcher_new (self->pair, "transport");
  g_autoptr (GError) error = NULL;
  FerryTransport *transport = ferry_launcher_add_transport (launcher, self->router, "contract", &error);

  g_assert_no_error (error);
  self->pair->ends[self->pair->here] = contract_end_new (transport);
  self->worker = ferry_launcher_spawn (launcher, self->router, &error);
  g_assert_no_error (error);
}

/* A worker's link, asked by the application. */
static void
connect_link (ContractPair *pair)
{
  pair->here = ONE;
  place_new (pair, begin_link);
}

/* The worker's end of it. */
static void
connect_worker (ContractPair *pair)
{
  pair->here = OTHER;
  place_new (pair, begin_link);
}

static void
begin_pool_worker (ContractPlace *self, FerryLauncher *launcher)
{
  g_autoptr (GError) error = NULL;

  self->pool_worker = ferry_pool_worker_new (NULL, self->router, &self->rules, "contract", launcher, &error);
  g_assert_no_error (error);
  self->pair->ends[ONE] = contract_end_new (g_object_ref (self->pool_worker->calls));
}

static void
begin_pool (ContractPlace *self)
{
  g_autoptr (FerryLauncher) launcher = launcher_new (self->pair, "tasks");

  begin_pool_worker (self, launcher);
}

/* A pool's worker, which serves tasks. */
static void
connect_pool (ContractPair *pair)
{
  place_new (pair, begin_pool);
}

static void
begin_thread (ContractPlace *self)
{
  self->pair->ends[OTHER] = contract_end_new (NULL);
  begin_pool_worker (self, NULL);
}

/* One that is a thread. */
static void
connect_pool_thread (ContractPair *pair)
{
  place_new (pair, begin_thread);
}

#define LINK_TRAITS (CONTRACT_BOTH_ASK | CONTRACT_CLOSES | CONTRACT_KILLED | CONTRACT_DESCRIPTORS)

/* What serves tasks asks nothing, takes calls from its start on, closes when its process or thread ends, and gets
 * descriptors with its requests. A thread cannot be killed. A worker sends descriptors only to an application that has
 * said that it takes some. */
static const ContractKind elsewhere[] = {
  {"link", LINK_TRAITS | CONTRACT_SENDS_FIRST, connect_link, NULL, FERRY_ERROR_WORKER_LOST},
  {"worker", LINK_TRAITS, connect_worker, NULL, FERRY_ERROR_WORKER_LOST},
  {"pool", CONTRACT_KILLED | CONTRACT_REQUEST_DESCRIPTORS, connect_pool, NULL, FERRY_ERROR_CLOSED},
  {"pool-thread", CONTRACT_REQUEST_DESCRIPTORS, connect_pool_thread, NULL, 0},
};

gboolean
contract_kind_has (const ContractKind *kind, ContractTraits traits)
{
  return (kind->traits & traits) == traits;
}

static void
add_facts_of (const char *group, const ContractKind *kind, const ContractFact *facts, guint n_facts)
{
  for (guint i = 0; i < n_facts; i++)
    {
      g_autofree char *path = g_strdup_printf ("/%s/%s/%s", group, kind->name, facts[i].name);

      if (contract_kind_has (kind, facts[i].needs) && (kind->traits & facts[i].lacks) == 0)
        g_test_add_data_func (path, kind, (GTestDataFunc) facts[i].func);
    }
}

void
contract_test_add_facts (const char *group, const ContractFact *facts, guint n_facts)
{
  static ContractKind kinds_here[16];
  guint n_here;
  const TransportTestKind *here = transport_test_get_kinds (&n_here);

  g_assert_cmpuint (n_here, <=, G_N_ELEMENTS (kinds_here));
  contract_end_register_functions ();
  for (guint i = 0; i < n_here; i++)
    {
      ContractKind *kind = &kinds_here[i];

      kind->name = here[i].name;
      kind->traits = CONTRACT_BOTH_ASK | CONTRACT_CLOSES;
      if (here[i].carries_descriptors)
        kind->traits |= CONTRACT_DESCRIPTORS | CONTRACT_SENDS_FIRST;
      kind->connect = connect_here;
      kind->both_here = &here[i];
      add_facts_of (group, kind, facts, n_facts);
    }
  for (guint i = 0; i < G_N_ELEMENTS (elsewhere); i++)
    add_facts_of (group, &elsewhere[i], facts, n_facts);
}

/* ---- a pair ---- */

ContractPair *
contract_pair_new (const ContractKind *kind)
{
  ContractPair *self = g_new0 (ContractPair, 1);

  /* What a main context needs, it needs from the first wait on. And the first use of a quark, which GLib leaves to
   * chance, looks like a race to ThreadSanitizer. */
  g_main_context_iteration (NULL, FALSE);
  g_io_error_quark ();
  self->kind = kind;
  self->n_fds = ferry_test_count_fds ();
  self->n_threads = transport_test_count_threads ();
  kind->connect (self);
  return self;
}

void
contract_pair_free (ContractPair *self)
{
  const guint there = 1 - self->here;
  const gboolean is_thread = self->place != NULL && !contract_kind_has (self->kind, CONTRACT_KILLED);

  contract_end_free (self->ends[self->here]);
  /* A process ends when it gets no more orders, a thread uses its end until then. */
  if (!is_thread)
    contract_end_free (self->ends[there]);
  if (self->place != NULL)
    place_free (self->place);
  if (is_thread)
    contract_end_free (self->ends[there]);
  transport_test_wait_left (self->n_threads, self->n_fds);
  g_free (self);
}

static void
kill_process (ContractPlace *self)
{
  self->killed = TRUE;
  if (self->pool_worker != NULL)
    ferry_pool_worker_kill (self->pool_worker);
  else
    ferry_worker_force_exit (self->worker);
}

int
contract_pair_kill (ContractPair *self)
{
  do_there (self->place, kill_process);
  return self->kind->killed;
}

/* ---- orders ---- */

void
contract_do (ContractEnd *end, const char *order)
{
  g_autoptr (GVariant) said = contract_end_do (end, order, NULL);
}

guint
contract_do_number (ContractEnd *end, const char *order, GVariant *argument)
{
  g_autoptr (GVariant) said = contract_end_do (end, order, argument);

  return said != NULL ? g_variant_get_uint32 (said) : 0;
}

guint
contract_ask_stream (ContractEnd *end, const char *method, GVariant *arguments, guint16 window)
{
  return contract_do_number (end, "ask", g_variant_new ("(smvqx)", method, arguments, window, (gint64) 0));
}

guint
contract_ask (ContractEnd *end, const char *method, GVariant *arguments)
{
  return contract_ask_stream (end, method, arguments, 0);
}

void
contract_shut (ContractEnd *end, gboolean is_shut)
{
  contract_do_number (end, "shut", g_variant_new_boolean (is_shut));
}

void
contract_tell (ContractEnd *end, const char *method)
{
  contract_do_number (end, "tell", g_variant_new ("(smv)", method, NULL));
}

void
contract_wait_told (ContractEnd *end, guint wanted)
{
  g_autoptr (GVariant) said = contract_end_do (end, "told", g_variant_new_uint32 (wanted));
  guint n_told, n_wrong;

  g_variant_get (said, "(uu)", &n_told, &n_wrong);
  g_assert_cmpuint (n_told, ==, wanted);
  g_assert_cmpuint (n_wrong, ==, 0);
}

void
contract_outcome_clear (ContractOutcome *self)
{
  g_free (self->result);
  g_clear_error (&self->error);
  g_free (self->items);
}

void
contract_wait (ContractEnd *end, guint number, ContractOutcome *outcome)
{
  g_autoptr (GVariant) said = contract_end_do (end, "outcome", g_variant_new_uint32 (number));
  const char *message, *domain;
  int code;

  g_variant_get (said, "(bs&s&sibs)", &outcome->refused, &outcome->result, &message, &domain, &code, &outcome->traced,
                 &outcome->items);
  outcome->error = domain[0] != '\0' ? g_error_new_literal (g_quark_from_string (domain), code, message) : NULL;
}

void
contract_assert_answered (ContractEnd *end, guint number, const char *text)
{
  g_auto (ContractOutcome) outcome = {0};

  contract_wait (end, number, &outcome);
  g_assert_no_error (outcome.error);
  g_assert_false (outcome.refused);
  g_assert_cmpstr (outcome.result, ==, text);
}

void
contract_assert_failed (ContractEnd *end, guint number, GQuark domain, int code)
{
  g_auto (ContractOutcome) outcome = {0};

  contract_wait (end, number, &outcome);
  g_assert_error (outcome.error, domain, code);
  g_assert_cmpstr (outcome.result, ==, "");
}

void
contract_assert_answered_or (ContractEnd *end, guint number, const char *text, int code)
{
  g_auto (ContractOutcome) outcome = {0};

  contract_wait (end, number, &outcome);
  if (outcome.error != NULL)
    g_assert_error (outcome.error, FERRY_ERROR, code);
  else
    g_assert_cmpstr (outcome.result, ==, text);
}

void
contract_assert_closed (ContractEnd *end, int code)
{
  g_autoptr (GVariant) said = contract_end_do (end, "closed", NULL);

  g_assert_cmpint (g_variant_get_int32 (said), ==, code);
}
