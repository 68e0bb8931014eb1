/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A cluster: knows the hosts, and decides which host is sent which task.
 *
 * Each step starts with an event: a task was submitted, a host has told something, a session was opened or has ended.
 * Each event ends in schedule(), which sends tasks as long as there are hosts with room. What need not be done at once
 * is done by tend(), at most once in a millisecond or, with many hosts, less often. It is telling hosts what waits,
 * telling tasks why they wait, and taking back tasks that another host could run now.
 *
 * It is one file since most of its functions read and change which hosts there are and what they have room for. The
 * code for a single host is in ferry-host.c, that for the servers in ferry-bus.c, and that for hosts which are left
 * alone for a while in ferry-absences.c.
 *
 * Threads: the router's. */

#include "config.h"

#include "cluster/ferry-cluster-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-property-private.h"
#include "call/ferry-transport-private.h"
#include "cluster/ferry-absences-private.h"
#include "cluster/ferry-client-name-private.h"
#include "cluster/ferry-cluster-away-private.h"
#include "cluster/ferry-cluster-enums.h"
#include "cluster/ferry-host-private.h"
#include "cluster/ferry-remote-run-private.h"
#include "job/ferry-map-function-private.h"
#include "pool/ferry-labels-private.h"
#include "pool/ferry-task-queue-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-task-private.h"
#include "wire/ferry-remote-error-private.h"

/* How often tend() is called at most; the longer one of both, so that looking at many hosts is not all that is done. */
#define TEND_INTERVAL (1 * FERRY_MICROSECONDS_PER_MILLISECOND)
#define TEND_INTERVAL_PER_HOST 1

/* How long a host has to begin a task until an idle host may get it, in round trips, and at least FerryHost.begin_time.
 * It is at most a part of the cut timeout, since it is the host that makes the round trip long. */
#define BEGIN_ROUND_TRIPS 3
#define BEGIN_CUT_PART 10

/* How many idle hosts are looked at, each time, for tasks that wait elsewhere. */
#define MAX_RELIEVED 16

/* How many hosts of one name there are. Each start of a host is a new one, until the session of the old one ends. */
#define MAX_NAMESAKES 8

/* How often it is said that there are more, in microseconds. */
#define CROWDED_PERIOD (60 * G_USEC_PER_SEC)

/* How long a host is not used after it was lost for the first time. Also for one that has broken a rule or has a
 * version that does not fit. */
#define LOST_PAUSE (1 * G_USEC_PER_SEC)
#define FAULT_PAUSE (60 * G_USEC_PER_SEC)

#define DEFAULT_DEATH_LIMIT 3
#define DEFAULT_LEAVE_AHEAD 2

/**
 * FerryCluster:
 *
 * Other machines that run tasks, found through a NATS server.
 *
 * On each machine, the program `ferry-host` runs the functions of a program. A cluster finds all hosts of its
 * application at the server, and sends them the tasks of its executors ([ctor@Ferry.Executor.new_for_runner]). A task
 * waits while no host has its function and its labels ([property@Ferry.Task:needs]), or none has room;
 * [method@Ferry.Task.get_text] tells the former.
 *
 * A task that a host has begun when it is lost fails with %FERRY_ERROR_WORKER_LOST. If the task has retries
 * ([property@Ferry.Task:retries]) or is idempotent ([property@Ferry.Task:idempotent]), it runs again instead, on
 * another host where there is one. A task that no host has begun is never lost. A connection that is cut for less than
 * [property@FerryCluster.Cluster:cut-timeout] costs nothing but that time.
 *
 * A host knows an application that was killed and is started again on the same machine. It ends what it runs for the
 * one before, and then begins tasks of the next one.
 *
 * Descriptors and bytes of a task ([method@Ferry.Task.add_descriptor]) cannot be sent to other machines.
 *
 * A cluster must be used on its router's thread, its properties too. Executors hold references to it.
 */
struct _FerryCluster
{
  GObject parent_instance;

  FerryRouter *router;     /* const: (owned) */
  FerryBusSettings server; /* (owned): all that is in it; const: url and application */
  gint64 cut_timeout;
  FerryHostTerms terms;

  FerryBus *bus;          /* (owned) (nullable): set while it is connected, or tries to be */
  FerryAbsences absences; /* with bus */
  FerryClientName client; /* with bus */
  char *misfit;           /* (owned) (nullable): what a task is told of the latest host with another version */
  char *misfit_name;      /* (owned) (nullable): that host's */
  char *instance;         /* (owned) (nullable): of the latest connection */
  gboolean is_closed;     /* by the application, so that it is not connected without a call */
  gboolean has_connected; /* since the latest call */
  FerryClusterState state;
  GError *error;    /* (owned) (nullable) */
  GPtrArray *hosts; /* (owned) (element-type FerryHost): all that have, or had, a session */
  guint n_places;   /* the sum of their workers */
  /* (owned) (element-type utf8 GPtrArray): from a name to those of the hosts, not owned, that were found by it */
  GHashTable *namesakes;
  GListStore *list; /* (owned) (element-type FerryHost): those of them that are known by name, and not lost */
  GQueue vacant[FERRY_HOST_N_VACANCIES]; /* (element-type FerryHost) (unowned): those with room, the next one first */
  guint64 n_numbered;                    /* the number of the newest host */
  guint n_asked;                         /* hosts that have not answered */
  FerryTaskSources sources;
  gboolean scheduling;
  gboolean schedule_again;
  FerryTimer tend_timer;
  gint64 tended_at;        /* monotonic time */
  gboolean wanting;        /* some host was told that tasks wait */
  FerryRate crowded_names; /* how often it was said that too many hosts have one name */
  gboolean crowded;        /* tasks may wait at hosts: some were sent since balance() has found none */
};

enum
{
  PROP_ROUTER = 1,
  PROP_URL,
  PROP_APPLICATION,
  PROP_USER,
  PROP_CREDENTIALS_FILE,
  PROP_NKEY_SEED_FILE,
  PROP_TLS_CA_FILE,
  PROP_NAME,
  PROP_CUT_TIMEOUT,
  PROP_DEATH_LIMIT,
  PROP_LEAVE_AHEAD,
  PROP_STATE,
  PROP_HOSTS,
  PROP_INSTANCE,
  PROP_ERROR,
  N_PROPERTIES,
  PROP_PARALLELISM = N_PROPERTIES, /* of FerryRunner */
};

static GParamSpec *properties[N_PROPERTIES];

static void runner_init (FerryRunnerInterface *iface);
static void schedule (FerryCluster *self);
static void start_for_executors (FerryCluster *self);

G_DEFINE_FINAL_TYPE_WITH_CODE (FerryCluster, ferry_cluster, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (FERRY_TYPE_RUNNER, runner_init))

/* ---- Which host gets which task ---- */

/* Puts a host where it belongs, behind the others there. */
static void
set_vacancy (FerryCluster *self, FerryHost *host, FerryHostVacancy vacancy)
{
  if (host->vacancy != FERRY_HOST_VACANCY_NONE)
    g_queue_unlink (&self->vacant[host->vacancy], &host->vacancy_link);
  host->vacancy = vacancy;
  if (vacancy != FERRY_HOST_VACANCY_NONE)
    g_queue_push_tail_link (&self->vacant[vacancy], &host->vacancy_link);
}

/* What a host must have to run a task. */
typedef struct
{
  char *function;           /* (owned) */
  const char *const *needs; /* (nullable): the task's */
} Demand;

static void
demand_clear (Demand *self)
{
  g_free (self->function);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Demand, demand_clear)

static Demand
demand_of (const FerryRun *run)
{
  return (Demand){ferry_map_dup_needed_function (run->function, run->arguments), run->needs};
}

static gboolean
is_met (const Demand *demand, FerryHost *host)
{
  return ferry_host_has_function (host, demand->function) &&
         ferry_labels_have ((const char *const *) host->facts.labels, demand->needs);
}

/* Whether the host is there, and is not about to leave. */
static gboolean
stays (const FerryHost *host)
{
  return host->is_open && !host->facts.draining;
}

/* Whether the host can run the task, now or later. */
static gboolean
may_run (FerryHost *host, const Demand *demand)
{
  return stays (host) && is_met (demand, host);
}

/* Whether a host other than this one could run the task, now or later. */
static gboolean
has_other_host (FerryCluster *self, FerryHost *host, const Demand *demand)
{
  for (guint i = 0; i < self->hosts->len; i++)
    if (self->hosts->pdata[i] != host && may_run (self->hosts->pdata[i], demand))
      return TRUE;
  return FALSE;
}

/* Returns (transfer none) (nullable) a host that could run the task, but has no workers, if that is so of all that
 * could. */
static FerryHost *
find_trouble (FerryCluster *self, const Demand *demand)
{
  FerryHost *found = NULL;

  for (guint i = 0; i < self->hosts->len; i++)
    {
      FerryHost *host = g_ptr_array_index (self->hosts, i);

      if (!may_run (host, demand))
        continue;
      if (host->trouble == NULL)
        return NULL;
      found = host;
    }
  return found;
}

/* Whether a host may be sent the task: one that can run it, and not the one that has failed it while there are others.
 */
static gboolean
is_for_host (FerryCluster *self, FerryRun *run, const Demand *demand, FerryHost *host)
{
  return is_met (demand, host) &&
         (ferry_remote_run_get_shunned (run) != host->number || !has_other_host (self, host, demand));
}

/* Returns (transfer none) (nullable) the host that is sent the task now: one with a free worker, where there is one.
 * Nothing is sent ahead that another runner may be able to run before, nor descriptors, which only a pool can take. */
static FerryHost *
pick_host (FerryCluster *self, FerryRun *run)
{
  gboolean is_shared = run->source->is_shared;
  guint lowest = is_shared ? FERRY_HOST_VACANCY_FREE : FERRY_HOST_VACANCY_AHEAD;
  g_auto (Demand) demand = {0};

  if (is_shared && ferry_task_get_local_part (ferry_run_get_task (run)) != NULL)
    return NULL;
  demand = demand_of (run);
  for (guint vacancy = FERRY_HOST_VACANCY_FREE; vacancy >= lowest; vacancy--)
    for (GList *link = self->vacant[vacancy].head; link != NULL; link = link->next)
      if (is_for_host (self, run, &demand, link->data))
        return link->data;
  return NULL;
}

static gboolean
has_host (FerryRun *run, gpointer self)
{
  return pick_host (self, run) != NULL;
}

/* Returns (transfer full) what a task is told that no host has the function, or the labels, for. */
static char *
describe_lack (FerryCluster *self, const Demand *demand)
{
  const Demand without_needs = {.function = demand->function};
  g_autofree char *programs = ferry_host_describe_programs (self->hosts);
  g_autofree char *labels = NULL;
  g_autofree char *options = NULL;

  if (!has_other_host (self, NULL, &without_needs))
    return g_strdup_printf ("No host of the application '%s' has the function '%s'%s; start a host whose program has "
                            "it",
                            self->server.application, demand->function, programs);
  labels = ferry_labels_describe (demand->needs);
  options = g_strjoinv (" --label ", (char **) demand->needs);
  return g_strdup_printf ("No host of the application '%s' with the function '%s' has %s; start one with 'ferry-host "
                          "--label %s'",
                          self->server.application, demand->function, labels, options);
}

/* Returns (transfer full) (nullable) what a task is told of why it waits. has_pool: a worker of this machine would do.
 */
static char *
dup_obstacle (FerryCluster *self, FerryRun *run, gboolean has_pool)
{
  const char *here = has_pool && run->needs == NULL ? "Waiting until this machine has room. " : "";
  g_auto (Demand) demand = {0};
  g_autofree char *lack = NULL;
  const FerryHost *host;

  if (self->bus != NULL && self->state != FERRY_CLUSTER_STATE_CONNECTED)
    return g_strconcat (here, self->error != NULL ? self->error->message : "The NATS server has not answered yet",
                        NULL);
  demand = demand_of (run);
  host = find_trouble (self, &demand);
  if (host != NULL)
    return g_strdup_printf ("%sThe host '%s' runs no task now: %s", here, host->facts.name, host->trouble);
  if (has_other_host (self, NULL, &demand))
    return NULL;
  if (self->misfit != NULL)
    return g_strconcat (here, self->misfit, NULL);
  lack = describe_lack (self, &demand);
  return g_strconcat (here, lack, NULL);
}

/* Sends the next task to a host. Returns FALSE when no further task can be sent now. */
static gboolean
send_next (FerryCluster *self)
{
  g_autoptr (FerryRun) run = NULL;
  g_autoptr (FerryHost) host = NULL;

  if (self->vacant[FERRY_HOST_VACANCY_FREE].length + self->vacant[FERRY_HOST_VACANCY_AHEAD].length == 0)
    return FALSE;
  run = ferry_task_sources_find (&self->sources, has_host, self);
  if (run == NULL)
    return FALSE;
  ferry_run_ref (run);
  host = g_object_ref (pick_host (self, run));
  ferry_task_sources_pass_turn (&self->sources, run);
  self->crowded = TRUE;
  ferry_host_send (host, run);
  set_vacancy (self, host, ferry_host_get_vacancy (host));
  ferry_task_set_obstacle (ferry_run_get_task (run), NULL);
  return TRUE;
}

/* ---- What hosts and tasks are told now and then ---- */

static guint
count_waiting (FerryCluster *self, FerryTaskFilter filter, gpointer data)
{
  guint n = 0;

  for (guint i = 0; i < self->sources.list->len; i++)
    {
      FerryTaskSource *source = g_ptr_array_index (self->sources.list, i);

      n += ferry_task_queue_count (&source->queue, filter, data);
    }
  return n;
}

static gboolean
is_any (FerryRun *run, gpointer data)
{
  return TRUE;
}

static gboolean
host_meets (FerryRun *run, gpointer host)
{
  g_auto (Demand) demand = demand_of (run);

  return is_met (&demand, host);
}

/* Whether a host that was told one number need not be told the other: it matters only how many there are about. */
static gboolean
is_about (guint told, guint n)
{
  return told == n || (told > 0 && n > 0 && n / 2 <= told && told / 2 <= n);
}

static void
tell_hosts (FerryCluster *self)
{
  gboolean any = count_waiting (self, is_any, NULL) > 0;

  if (!any && !self->wanting)
    return;
  self->wanting = FALSE;
  for (guint i = 0; i < self->hosts->len; i++)
    {
      FerryHost *host = g_ptr_array_index (self->hosts, i);
      guint n = any ? count_waiting (self, host_meets, host) : 0;

      if (!is_about (host->wanted, n))
        ferry_host_want (host, n);
      self->wanting = self->wanting || host->wanted > 0;
    }
}

typedef struct
{
  FerryCluster *cluster;
  gboolean has_pool;
  GPtrArray *runs; /* (element-type FerryRun): of tasks with a text that is out of date */
} TellTasks;

/* Visits tasks of one function, needs and priority, from the latest on, as long as they are to be told something. */
static gboolean
visit_waiting (FerryRun *run, gpointer data)
{
  TellTasks *visit = data;
  g_autofree char *text = dup_obstacle (visit->cluster, run, visit->has_pool);

  if (ferry_task_is_told (ferry_run_get_task (run), text))
    return FALSE;
  g_ptr_array_add (visit->runs, ferry_run_ref (run));
  return TRUE;
}

/* Handlers may remove the source, so it is looked at first. */
static void
tell_tasks_of (FerryCluster *self, FerryTaskSource *source)
{
  g_autoptr (GPtrArray) runs = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_run_unref);
  TellTasks visit = {.cluster = self, .runs = runs};

  if (!source->may_explain (source, FERRY_RUNNER (self), &visit.has_pool))
    return;
  ferry_task_queue_visit (&source->queue, visit_waiting, &visit);
  for (guint i = 0; i < runs->len; i++)
    {
      FerryRun *run = runs->pdata[i];
      g_autofree char *text = dup_obstacle (self, run, visit.has_pool);

      if (run->destination == NULL)
        ferry_task_set_obstacle (ferry_run_get_task (run), text);
    }
}

/* Handlers may add and remove executors, so i is checked again. */
static void
tell_tasks (FerryCluster *self)
{
  for (guint i = self->sources.list->len; i > 0; i--)
    if (i <= self->sources.list->len)
      tell_tasks_of (self, g_ptr_array_index (self->sources.list, i - 1));
}

/* ---- Tasks that wait at one host while another could run them ---- */

/* Returns (transfer none) (nullable) a task that waits at host, and that idle could run. due: made earlier, if a task
 * has to wait until then before it may be taken. */
static FerryRun *
find_stuck (FerryCluster *self, FerryHost *host, FerryHost *idle, gint64 *due)
{
  gint64 measured = MIN (BEGIN_ROUND_TRIPS * ferry_host_get_round_trip (host), self->cut_timeout / BEGIN_CUT_PART);
  gint64 patience = MAX (measured, host->begin_time);

  for (GList *link = host->in_flight.tail; link != NULL && host->n_unbegun > 0; link = link->prev)
    {
      g_auto (Demand) demand = demand_of (link->data);
      gint64 since;

      if (!ferry_remote_run_is_waiting (link->data, &since) || !is_for_host (self, link->data, &demand, idle))
        continue;
      if (since + patience <= g_get_monotonic_time ())
        return link->data;
      *due = MIN (*due, since + patience);
    }
  return NULL;
}

static guint
count_free (FerryHost *host)
{
  guint n_taken = MAX (host->in_flight.length, host->n_busy);

  return host->n_workers > n_taken ? host->n_workers - n_taken : 0;
}

static gboolean
is_crowded (FerryHost *host)
{
  return host->n_unbegun > 0;
}

static gboolean
is_idle (FerryHost *host)
{
  return host->vacancy == FERRY_HOST_VACANCY_FREE && count_free (host) > 0;
}

/* Returns (transfer full) (element-type FerryHost) the hosts that the filter (nullable) accepts, up to so many: they
 * may leave meanwhile. */
static GPtrArray *
list_hosts (FerryCluster *self, gboolean (*filter) (FerryHost *host), guint most)
{
  GPtrArray *hosts = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < self->hosts->len && hosts->len < most; i++)
    if (filter == NULL || filter (self->hosts->pdata[i]))
      g_ptr_array_add (hosts, g_object_ref (self->hosts->pdata[i]));
  return hosts;
}

/* Takes back a task for a host that is idle, from the one of the hosts where most wait. Returns FALSE if there is none.
 */
static gboolean
relieve (FerryCluster *self, GPtrArray *hosts, FerryHost *idle, gint64 *due)
{
  FerryRun *stuck = NULL;
  FerryHost *slow = NULL;
  guint most = 0;

  for (guint i = 0; i < hosts->len; i++)
    {
      FerryHost *host = g_ptr_array_index (hosts, i);
      FerryRun *run;

      if (host == idle || host->n_unbegun <= most)
        continue;
      run = find_stuck (self, host, idle, due);
      if (run == NULL)
        continue;
      stuck = run;
      slow = host;
      most = host->n_unbegun;
    }
  if (stuck == NULL)
    return FALSE;
  ferry_host_note_delay (slow);
  set_vacancy (self, slow, ferry_host_get_vacancy (slow));
  ferry_remote_run_ask_back (stuck);
  return TRUE;
}

static void tend (gpointer data);

/* As soon as time and the interval allow. */
static void
tend_at (FerryCluster *self, gint64 time)
{
  time = MAX (time, self->tended_at + MAX (TEND_INTERVAL, self->hosts->len * TEND_INTERVAL_PER_HOST));
  if (!ferry_timer_is_set (&self->tend_timer) || self->tend_timer.deadline.time > time)
    ferry_timers_set (self->router->timers, &self->tend_timer, time, tend, self);
}

/* Taking a task back may run handlers, so what a host has is looked up again each time. */
static void
balance (FerryCluster *self)
{
  g_autoptr (GPtrArray) crowded = list_hosts (self, is_crowded, G_MAXUINT);
  g_autoptr (GPtrArray) idle = crowded->len > 0 ? list_hosts (self, is_idle, MAX_RELIEVED) : NULL;
  gint64 due = G_MAXINT64;

  self->crowded = crowded->len > 0;
  for (guint i = 0; idle != NULL && i < idle->len; i++)
    {
      FerryHost *host = g_ptr_array_index (idle, i);
      guint n = count_free (host);

      while (n > 0 && relieve (self, crowded, host, &due))
        n--;
    }
  if (due < G_MAXINT64)
    tend_at (self, due);
}

static void send_all (FerryCluster *self);

static void
tend (gpointer data)
{
  g_autoptr (FerryCluster) self = g_object_ref (data);

  self->tended_at = g_get_monotonic_time ();
  tell_hosts (self);
  tell_tasks (self);
  balance (self);
  send_all (self);
}

/* ---- Scheduling ---- */

static gboolean
has_to_tend (FerryCluster *self)
{
  return self->wanting || self->crowded || count_waiting (self, is_any, NULL) > 0;
}

/* Sends tasks as long as there are hosts with room. A recursive call only makes the outer call send once more. */
static void
send_all (FerryCluster *self)
{
  g_autoptr (FerryCluster) kept G_GNUC_UNUSED = NULL;

  if (self->scheduling)
    {
      self->schedule_again = TRUE;
      return;
    }
  kept = g_object_ref (self);
  self->scheduling = TRUE;
  ferry_router_hold (self->router);
  do
    {
      self->schedule_again = FALSE;
      while (send_next (self))
        ;
    }
  while (self->schedule_again);
  ferry_router_release (self->router);
  self->scheduling = FALSE;
}

static void
schedule (FerryCluster *self)
{
  send_all (self);
  if (!ferry_timer_is_set (&self->tend_timer) && has_to_tend (self))
    tend_at (self, 0);
}

/* ---- Hosts ---- */

static void
list_host (FerryCluster *self, FerryHost *host)
{
  if (!host->listed && host->has_facts)
    {
      host->listed = TRUE;
      g_list_store_append (self->list, host);
    }
}

static void
unlist_host (FerryCluster *self, FerryHost *host)
{
  guint position;

  if (!host->listed)
    return;
  host->listed = FALSE;
  if (g_list_store_find (self->list, host, &position))
    g_list_store_remove (self->list, position);
}

static void
set_asked (FerryCluster *self, FerryHost *host, gboolean is_asked)
{
  self->n_asked += (guint) is_asked - (guint) host->is_asked;
  host->is_asked = is_asked;
}

/* Its workers are n of the cluster's from now on. */
static void
count_places (FerryCluster *self, FerryHost *host, guint n)
{
  if (n == host->n_counted)
    return;
  self->n_places += n - host->n_counted;
  host->n_counted = n;
  g_object_notify (G_OBJECT (self), "parallelism");
}

static void
host_changed (gpointer owner, FerryHost *host)
{
  g_autoptr (FerryCluster) self = g_object_ref (owner);

  if (host->round_trip > 0)
    set_asked (self, host, FALSE);
  set_vacancy (self, host, ferry_host_get_vacancy (host));
  if (host->is_open)
    list_host (self, host);
  count_places (self, host, host->n_workers);
  schedule (self);
}

static GPtrArray *
get_namesakes (FerryCluster *self, const char *name)
{
  return g_hash_table_lookup (self->namesakes, name);
}

static void
add_namesake (FerryCluster *self, const char *name, FerryHost *host)
{
  if (get_namesakes (self, name) == NULL)
    g_hash_table_insert (self->namesakes, g_strdup (name), g_ptr_array_new ());
  g_ptr_array_add (get_namesakes (self, name), host);
}

static void
remove_namesake (FerryCluster *self, FerryHost *host)
{
  GPtrArray *hosts = host->has_facts ? get_namesakes (self, host->facts.name) : NULL;

  if (hosts != NULL && g_ptr_array_remove_fast (hosts, host) && hosts->len == 0)
    g_hash_table_remove (self->namesakes, host->facts.name);
}

/* Forgets the host. Its owner is told nothing any more. */
static void
remove_host (FerryCluster *self, FerryHost *host)
{
  g_autoptr (FerryHost) kept G_GNUC_UNUSED = g_object_ref (host);

  set_vacancy (self, host, FERRY_HOST_VACANCY_NONE);
  set_asked (self, host, FALSE);
  host->owner = NULL;
  remove_namesake (self, host);
  g_ptr_array_remove (self->hosts, host);
  count_places (self, host, 0);
  unlist_host (self, host);
}

static void
forget_misfit (FerryCluster *self)
{
  g_clear_pointer (&self->misfit, g_free);
  g_clear_pointer (&self->misfit_name, g_free);
}

/* Tasks that no other host can run are told of a host with another version, as long as they wait. */
static void
note_misfit (FerryCluster *self, const char *name, const GError *error)
{
  if (!g_error_matches (error, FERRY_ERROR, FERRY_ERROR_VERSION))
    return;
  forget_misfit (self);
  self->misfit = g_strdup (error->message);
  self->misfit_name = g_strdup (name);
}

static void
host_ended (gpointer owner, FerryHost *host, FerryHostEnd end, const GError *reason)
{
  static const gint64 pauses[] = {
    [FERRY_HOST_END_LEFT] = -1,
    [FERRY_HOST_END_LOST] = LOST_PAUSE,
    [FERRY_HOST_END_FAULT] = FAULT_PAUSE,
    [FERRY_HOST_END_CLOSED] = -1,
  };
  g_autoptr (FerryCluster) self = g_object_ref (owner);
  gint64 lived = host->round_trip > 0 ? g_get_monotonic_time () - host->opened_at : 0;

  remove_host (self, host);
  if (self->bus != NULL && pauses[end] >= 0)
    ferry_absences_add (&self->absences, host->facts.name, host->facts.instance, pauses[end], lived);
  note_misfit (self, host->facts.name, reason);
  schedule (self);
}

static guint
count_hosts (gpointer owner, FerryRun *run)
{
  FerryCluster *self = owner;
  g_auto (Demand) demand = demand_of (run);
  guint n = 0;

  for (guint i = 0; i < self->hosts->len; i++)
    n += may_run (self->hosts->pdata[i], &demand);
  return n;
}

static const FerryHostFuncs host_funcs = {host_changed, count_hosts, host_ended};

/* Returns (transfer none) a new host, which the cluster keeps. */
static FerryHost *
add_host (FerryCluster *self)
{
  FerryHost *host = ferry_host_new (self->router, ++self->n_numbered, &host_funcs, self, &self->terms);

  g_ptr_array_add (self->hosts, host);
  return host;
}

/* Takes session. */
static void
open_session (FerryCluster *self, FerryHost *host, FerrySession *session)
{
  const FerryServeRequest serve = {
    .application = (char *) self->server.application,
    .client = self->client.name != NULL ? self->client.name : (char *) "test",
    .start = self->client.start,
  };

  ferry_host_open (host, session, &serve, self->instance, self->cut_timeout);
}

FerryHost *
ferry_cluster_add_session (FerryCluster *self, FerrySession *session)
{
  FerryHost *host = add_host (self);

  open_session (self, host, session);
  return host;
}

/* Returns (transfer none) (nullable) the host that was found by that name. */
static FerryHost *
find_host (FerryCluster *self, const char *name, const char *instance)
{
  GPtrArray *hosts = get_namesakes (self, name);

  for (guint i = 0; hosts != NULL && i < hosts->len; i++)
    if (strcmp (((FerryHost *) hosts->pdata[i])->facts.instance, instance) == 0)
      return hosts->pdata[i];
  return NULL;
}

/* A host of that name has come. Those that were there before have most likely ended: a host that is killed and started
 * again need not wait for the cut timeout. Two that live, or one that drains beside its successor, both stay. */
static void
doubt_namesakes (FerryCluster *self, const char *name)
{
  GPtrArray *hosts = get_namesakes (self, name);

  for (guint i = 0; hosts != NULL && i < hosts->len; i++)
    if (((FerryHost *) hosts->pdata[i])->is_open)
      ferry_session_doubt (((FerryHost *) hosts->pdata[i])->session);
}

/* Whether a host that is not known yet is used. */
static gboolean
is_welcome (FerryCluster *self, const FerryHostFacts *facts)
{
  GPtrArray *namesakes = get_namesakes (self, facts->name);

  if (facts->draining)
    return FALSE;
  if (self->n_asked >= FERRY_CLUSTER_MAX_ASKED)
    {
      ferry_absences_look_soon (&self->absences);
      return FALSE;
    }
  if (namesakes == NULL || namesakes->len < MAX_NAMESAKES)
    return TRUE;
  if (ferry_rate_note (&self->crowded_names, CROWDED_PERIOD, 1))
    g_message (
      "There are %d hosts called '%s', and further ones are not used; start each host with a --name of its own",
      MAX_NAMESAKES, facts->name);
  return FALSE;
}

/* There may be thousands of them. A host tells them again when it answers, and gets no task before. */
static void
forget_functions (FerryHostFacts *facts)
{
  g_strfreev (facts->functions);
  facts->functions = g_new0 (char *, 1);
}

/* Returns (transfer full) a new session with a host. */
static FerrySession *
make_session (FerryCluster *self, const FerryHostFacts *facts)
{
  g_autofree char *peer = g_strdup_printf ("The host '%s'", facts->name);
  const FerrySessionSettings settings = {
    .peer = peer,
    .timeout = self->cut_timeout,
    .max_packet = ferry_bus_get_max_packet (self->bus),
  };
  gpointer wire_data;
  FerryWire wire;

  ferry_bus_make_wire (self->bus, facts->name, facts->instance, &wire, &wire_data);
  return ferry_session_new (&wire, wire_data, self->router->timers, self->router->context, &settings);
}

/* Takes the content of facts, which may be known already. */
static void
take_facts (FerryCluster *self, FerryHostFacts *facts)
{
  FerryHost *known = find_host (self, facts->name, facts->instance);
  g_autoptr (FerryHost) host = known != NULL ? g_object_ref (known) : NULL;

  if (known == NULL && !is_welcome (self, facts))
    return;
  if (known == NULL)
    {
      doubt_namesakes (self, facts->name);
      host = g_object_ref (add_host (self));
      add_namesake (self, facts->name, host);
      set_asked (self, host, TRUE);
    }
  if (host->is_asked)
    forget_functions (facts);
  ferry_host_take_facts (host, facts);
  /* Handlers may have closed the cluster. */
  if (known != NULL || host->owner == NULL)
    return;
  open_session (self, host, make_session (self, &host->facts));
  host_changed (self, host);
}

/* Reads facts of a version that this program speaks, which must be those of the host of the subject that they came by,
 * which the servers guard. */
static gboolean
read_facts (FerryHostFacts *facts, GVariant *value, const char *name, const char *instance, GError **error)
{
  g_autofree char *words = g_strdup_printf ("The host '%s'", name);

  if (!ferry_run_check_version (value, words, error) || !ferry_host_facts_from_variant (facts, value, error))
    return FALSE;
  return (strcmp (facts->name, name) == 0 && strcmp (facts->instance, instance) == 0) ||
         ferry_set_error (error, FERRY_ERROR_PROTOCOL, "%s tells another name than the servers do", words);
}

/* Implements FerryBusFuncs.present. */
static void
bus_present (gpointer data, const char *name, const char *instance, GVariant *value)
{
  g_autoptr (FerryCluster) self = g_object_ref (FERRY_CLUSTER (data));
  g_auto (FerryHostFacts) facts = {0};
  g_autoptr (GError) error = NULL;

  if (ferry_absences_has (&self->absences, name, instance))
    return;
  if (read_facts (&facts, value, name, instance, &error))
    {
      if (g_strcmp0 (self->misfit_name, name) == 0)
        forget_misfit (self);
      take_facts (self, &facts);
      return;
    }
  ferry_rate_log (&self->terms.complaints, "The host '%s' cannot be used: %s", name, error->message);
  ferry_absences_add (&self->absences, name, instance, G_MAXINT64, 0);
  note_misfit (self, name, error);
  schedule (self);
}

/* Implements FerryBusFuncs.packet. Tells a host that has a session which this end has not, so that it need not wait for
 * the end of it. A host that has forgotten its session ends this one by that. It is found again by its presence. */
static void
bus_packet (gpointer data, const char *name, const char *instance, GBytes *packet)
{
  FerryCluster *self = data;
  FerryHost *host = find_host (self, name, instance);
  g_autoptr (FerrySession) session = host != NULL && host->is_open ? g_object_ref (host->session) : NULL;
  gpointer wire_data;
  FerryWire wire;

  if (session != NULL && !ferry_transport_get_closed (FERRY_TRANSPORT (session)))
    {
      ferry_session_receive (session, g_bytes_get_data (packet, NULL), g_bytes_get_size (packet));
      return;
    }
  ferry_bus_make_wire (self->bus, name, instance, &wire, &wire_data);
  ferry_session_refuse (packet, &wire, wire_data);
}

/* Ends all sessions. Tasks that were begun fail with reason. Takes reason. */
static void
close_hosts (FerryCluster *self, GError *reason)
{
  g_autoptr (GError) owned = reason;

  while (self->hosts->len > 0)
    {
      g_autoptr (FerryHost) host = g_object_ref (g_ptr_array_index (self->hosts, self->hosts->len - 1));

      ferry_host_close (host, owned);
      if (host->owner != NULL)
        remove_host (self, host);
    }
}

/* ---- The runner ---- */

static void
runner_add_source (FerryRunner *runner, FerryTaskSource *source)
{
  FerryCluster *self = FERRY_CLUSTER (runner);

  ferry_task_queue_group (&source->queue);
  g_ptr_array_add (self->sources.list, source);
  start_for_executors (self);
}

static void
runner_remove_source (FerryRunner *runner, FerryTaskSource *source)
{
  g_ptr_array_remove (FERRY_CLUSTER (runner)->sources.list, source);
}

static void
runner_schedule (FerryRunner *runner)
{
  schedule (FERRY_CLUSTER (runner));
}

static gboolean
has_answer (FerryCluster *self)
{
  for (guint i = 0; i < self->hosts->len; i++)
    if (ferry_host_get_round_trip (self->hosts->pdata[i]) > 0)
      return TRUE;
  return FALSE;
}

/* Whether tasks are to wait in spite of an error. A server that was there once may be there again, as it was. A server
 * that is there and permits too little shows no hosts, or lets none of them be asked or answer. */
static gboolean
may_get_better (FerryCluster *self)
{
  return self->has_connected && (self->state != FERRY_CLUSTER_STATE_CONNECTED || has_answer (self));
}

static gboolean
runner_check (FerryRunner *runner, GError **error)
{
  FerryCluster *self = FERRY_CLUSTER (runner);

  if (may_get_better (self) || (!g_error_matches (self->error, FERRY_ERROR, FERRY_ERROR_NOT_ALLOWED) &&
                                !g_error_matches (self->error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS)))
    return TRUE;
  g_propagate_error (error, ferry_error_copy (self->error));
  return FALSE;
}

static FerryRouter *
runner_get_router (FerryRunner *runner)
{
  return FERRY_CLUSTER (runner)->router;
}

static guint
runner_get_parallelism (FerryRunner *runner, const char *const *needs)
{
  FerryCluster *self = FERRY_CLUSTER (runner);
  guint n = 0;

  if (needs == NULL)
    return MAX (self->n_places, 1);
  for (guint i = 0; i < self->hosts->len; i++)
    {
      const FerryHost *host = self->hosts->pdata[i];

      n += ferry_labels_have ((const char *const *) host->facts.labels, needs) ? host->n_workers : 0;
    }
  return n;
}

static void
runner_sum_running (FerryRunner *runner, FerryTaskSource *source, FerryRunSum *sum)
{
  FerryCluster *self = FERRY_CLUSTER (runner);

  for (guint i = 0; i < self->hosts->len; i++)
    {
      FerryHost *host = g_ptr_array_index (self->hosts, i);

      for (GList *link = host->in_flight.head; link != NULL; link = link->next)
        if (((FerryRun *) link->data)->source == source)
          ferry_run_sum_add (sum, link->data);
    }
}

/* Returns the name by which the server's monitoring shows the connection. */
static const char *
get_name (FerryCluster *self)
{
  return self->server.name != NULL ? self->server.name : self->server.application;
}

static FerryAway *
runner_open_away (FerryRunner *runner, const char *file, const FerryAwayFuncs *funcs, gpointer owner, GError **error)
{
  FerryCluster *self = FERRY_CLUSTER (runner);
  FerryBusSettings server = self->server;

  server.name = get_name (self);
  return ferry_cluster_away_new (&server, self->cut_timeout, self->router->context, file, funcs, owner, error);
}

static void
runner_init (FerryRunnerInterface *iface)
{
  iface->get_router = runner_get_router;
  iface->get_parallelism = runner_get_parallelism;
  iface->add_source = runner_add_source;
  iface->remove_source = runner_remove_source;
  iface->schedule = runner_schedule;
  iface->check = runner_check;
  iface->sum_running = runner_sum_running;
  iface->open_away = runner_open_away;
}

/* ---- Connecting ---- */

static void
set_state (FerryCluster *self, FerryClusterState state)
{
  if (self->state == state)
    return;
  self->state = state;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
}

static void
set_error (FerryCluster *self, const GError *error)
{
  if (error == NULL && self->error == NULL)
    return;
  g_clear_error (&self->error);
  self->error = error != NULL ? ferry_error_copy (error) : NULL;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ERROR]);
}

/* Makes tasks that wait fail where the cluster cannot be used as it is set. */
static void
fail_unusable (FerryCluster *self)
{
  g_autoptr (GError) error = NULL;

  if (!runner_check (FERRY_RUNNER (self), &error))
    ferry_task_sources_fail_all (&self->sources, FERRY_RUNNER (self), error);
}

/* The session may end by this. */
static void
tell_session (FerryHost *host, FerryBus *bus)
{
  g_autoptr (FerrySession) session = host->is_open ? g_object_ref (host->session) : NULL;

  if (session == NULL)
    return;
  if (ferry_bus_get_state (bus) != FERRY_CLUSTER_STATE_CONNECTED)
    {
      ferry_session_disconnected (session);
      return;
    }
  ferry_session_set_max_packet (session, ferry_bus_get_max_packet (bus));
  ferry_session_reconnected (session);
}

/* Implements FerryBusFuncs.changed. Handlers may close the cluster, connect it again, and run main loops. So the state
 * is read each time, and only while it is that of the bus that has changed. */
static void
bus_changed (gpointer data)
{
  g_autoptr (FerryCluster) self = g_object_ref (FERRY_CLUSTER (data));
  g_autoptr (FerryBus) bus = ferry_bus_ref (self->bus);
  g_autoptr (GPtrArray) hosts = list_hosts (self, NULL, G_MAXUINT);

  for (guint i = 0; i < hosts->len && self->bus == bus; i++)
    tell_session (hosts->pdata[i], bus);
  if (self->bus != bus)
    return;
  self->has_connected = self->has_connected || ferry_bus_get_state (bus) == FERRY_CLUSTER_STATE_CONNECTED;
  set_error (self, ferry_bus_get_error (bus));
  if (self->bus == bus)
    set_state (self, ferry_bus_get_state (bus));
  for (guint i = 0; i < hosts->len && self->bus == bus; i++)
    ferry_host_set_silent (hosts->pdata[i], self->state != FERRY_CLUSTER_STATE_CONNECTED);
  fail_unusable (self);
  schedule (self);
}

static const FerryBusFuncs bus_funcs = {bus_changed, bus_present, bus_packet};

/* A cluster without a URL has the hosts that tests give it. */
static gboolean
start (FerryCluster *self, GError **error)
{
  FerryBusSettings server = self->server;

  server.name = get_name (self);
  if (self->bus != NULL || self->server.url == NULL)
    return TRUE;
  self->has_connected = FALSE;
  self->bus = ferry_bus_new (self->router, &server, &bus_funcs, self, error);
  if (self->bus == NULL)
    return FALSE;
  ferry_absences_init (&self->absences, self->router->timers, self->bus);
  ferry_client_name_take (&self->client, self->server.application, ferry_bus_get_user (self->bus),
                          ferry_bus_get_id (self->bus));
  g_free (self->instance);
  self->instance = g_strconcat (ferry_bus_get_user (self->bus), "/", ferry_bus_get_id (self->bus), NULL);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_INSTANCE]);
  if (self->bus != NULL)
    set_state (self, ferry_bus_get_state (self->bus));
  return TRUE;
}

static void
start_for_executors (FerryCluster *self)
{
  g_autoptr (GError) error = NULL;

  if (self->is_closed || self->sources.list->len == 0 || !ferry_router_get_running (self->router) ||
      start (self, &error))
    return;
  set_error (self, error);
  fail_unusable (self);
}

/* Takes reason, with which tasks that were begun fail. */
static void
disconnect (FerryCluster *self, GError *reason)
{
  close_hosts (self, reason);
  if (self->bus == NULL)
    return;
  ferry_absences_clear (&self->absences);
  ferry_client_name_release (&self->client);
  forget_misfit (self);
  ferry_bus_close (self->bus);
  g_clear_pointer (&self->bus, ferry_bus_unref);
}

/* As disconnect(). */
static void
stop (FerryCluster *self, GError *reason)
{
  g_autoptr (FerryCluster) kept G_GNUC_UNUSED = g_object_ref (self);

  disconnect (self, reason);
  set_error (self, NULL);
  set_state (self, FERRY_CLUSTER_STATE_CLOSED);
}

/**
 * ferry_cluster_open:
 * @self: a cluster
 * @error: return location for an error
 *
 * Begins to connect to the server, and goes on trying until it is there. The first executor of the cluster does this
 * too, so a program may leave it out. Does nothing if that has begun. On the router's thread.
 *
 * Fails with %FERRY_ERROR_NOT_RUNNING if the router does not run, and with %FERRY_ERROR_BAD_ARGUMENTS if a setting
 * cannot be used.
 *
 * Returns: %TRUE on success
 */
gboolean
ferry_cluster_open (FerryCluster *self, GError **error)
{
  g_return_val_if_fail (FERRY_IS_CLUSTER (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_router_check (self->router, error))
    return FALSE;
  self->is_closed = FALSE;
  return start (self, error);
}

/**
 * ferry_cluster_close:
 * @self: a cluster
 *
 * Closes the connection. Tasks that hosts have begun fail with %FERRY_ERROR_CLOSED; those that wait go on waiting,
 * until [method@FerryCluster.Cluster.open]. To end tasks in order, use [method@Ferry.Executor.shutdown_async] before.
 * On the router's thread.
 */
void
ferry_cluster_close (FerryCluster *self)
{
  g_return_if_fail (FERRY_IS_CLUSTER (self));
  ferry_return_if_elsewhere (self->router->affinity);

  self->is_closed = TRUE;
  stop (self, g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED,
                                   "The cluster was closed while the task ran; connect it again, then submit the task "
                                   "again"));
}

/* ---- Properties ---- */

/**
 * ferry_cluster_get_state: (get-property state)
 * @self: a cluster
 *
 * Gets [property@FerryCluster.Cluster:state]. On the router's thread.
 *
 * Returns: the state
 */
FerryClusterState
ferry_cluster_get_state (FerryCluster *self)
{
  g_return_val_if_fail (FERRY_IS_CLUSTER (self), FERRY_CLUSTER_STATE_CLOSED);
  ferry_return_val_if_elsewhere (self->router->affinity, FERRY_CLUSTER_STATE_CLOSED);

  return self->state;
}

/**
 * ferry_cluster_get_hosts: (get-property hosts)
 * @self: a cluster
 *
 * Gets the hosts that can be sent tasks, or will be again. The list model reports each that is found or lost. On the
 * router's thread.
 *
 * Returns: (transfer none): a list model of [class@FerryCluster.Host]
 */
GListModel *
ferry_cluster_get_hosts (FerryCluster *self)
{
  g_return_val_if_fail (FERRY_IS_CLUSTER (self), NULL);
  ferry_return_val_if_elsewhere (self->router->affinity, NULL);

  return G_LIST_MODEL (self->list);
}

/* The fields of what is set, at construction or later. */
static const gsize settings[N_PROPERTIES] = {
  [PROP_URL] = G_STRUCT_OFFSET (FerryCluster, server.url),
  [PROP_APPLICATION] = G_STRUCT_OFFSET (FerryCluster, server.application),
  [PROP_USER] = G_STRUCT_OFFSET (FerryCluster, server.user),
  [PROP_CREDENTIALS_FILE] = G_STRUCT_OFFSET (FerryCluster, server.credentials_file),
  [PROP_NKEY_SEED_FILE] = G_STRUCT_OFFSET (FerryCluster, server.nkey_seed_file),
  [PROP_TLS_CA_FILE] = G_STRUCT_OFFSET (FerryCluster, server.tls_ca_file),
  [PROP_NAME] = G_STRUCT_OFFSET (FerryCluster, server.name),
  [PROP_CUT_TIMEOUT] = G_STRUCT_OFFSET (FerryCluster, cut_timeout),
  [PROP_DEATH_LIMIT] = G_STRUCT_OFFSET (FerryCluster, terms.death_limit),
  [PROP_LEAVE_AHEAD] = G_STRUCT_OFFSET (FerryCluster, terms.leave_ahead),
};

static void
ferry_cluster_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryCluster *self = FERRY_CLUSTER (object);

  if (property_id != PROP_ROUTER && !ferry_affinity_check_property (self->router->affinity, pspec))
    return;
  switch (property_id)
    {
    case PROP_ROUTER:
      g_value_set_object (value, self->router);
      break;
    case PROP_NAME:
      g_value_set_string (value, get_name (self));
      break;
    case PROP_STATE:
      g_value_set_enum (value, self->state);
      break;
    case PROP_HOSTS:
      g_value_set_object (value, self->list);
      break;
    case PROP_INSTANCE:
      g_value_set_string (value, self->instance);
      break;
    case PROP_ERROR:
      g_value_set_boxed (value, self->error);
      break;
    case PROP_PARALLELISM:
      g_value_set_uint (value, runner_get_parallelism (FERRY_RUNNER (self), NULL));
      break;
    default:
      ferry_property_read (G_STRUCT_MEMBER_P (self, settings[property_id]), value);
    }
}

static gboolean
check_user (const char *user)
{
  if (user == NULL || ferry_token_is_valid (user))
    return TRUE;
  ferry_critical ("FerryCluster:user: '%s' cannot be part of a subject; use 1 to 64 letters, digits, '_' and '-'",
                  user);
  return FALSE;
}

/* The router is set first, and the cluster belongs to its thread from then on. */
static void
ferry_cluster_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryCluster *self = FERRY_CLUSTER (object);

  if (property_id == PROP_ROUTER)
    {
      self->router = ferry_property_require (object, value, pspec);
      return;
    }
  if ((pspec->flags & G_PARAM_CONSTRUCT_ONLY) == 0 && !ferry_affinity_check_property (self->router->affinity, pspec))
    return;
  if (property_id == PROP_USER && !check_user (g_value_get_string (value)))
    return;
  ferry_property_change (self, G_STRUCT_MEMBER_P (self, settings[property_id]), value, pspec);
}

static void
install_identity (void)
{
  /**
   * FerryCluster:router:
   *
   * The router of the thread that uses the cluster. The signals are emitted on that thread. Any thread.
   */
  properties[PROP_ROUTER] = g_param_spec_object ("router", NULL, NULL, FERRY_TYPE_ROUTER, FERRY_AT_CONSTRUCTION);
  /**
   * FerryCluster:url:
   *
   * The URL of the server, such as `nats://example.org:4222` or `tls://example.org`. Several are separated by commas.
   */
  properties[PROP_URL] = g_param_spec_string ("url", NULL, NULL, NULL, FERRY_AT_CONSTRUCTION);
  /**
   * FerryCluster:application:
   *
   * The name of the application. Hosts of other applications are not seen.
   */
  properties[PROP_APPLICATION] = g_param_spec_string ("application", NULL, NULL, NULL, FERRY_AT_CONSTRUCTION);
  /**
   * FerryCluster:user:
   *
   * The name of the user, which is a part of the subjects of all messages: 1 to 64 letters, digits, `_` and `-`. The
   * server's permissions can keep users apart by it. %NULL, the default, stands for the user of the URL, or for `user`
   * where the URL has none. The user of the URL logs in, in any case. Used from the next connection on.
   */
  properties[PROP_USER] = g_param_spec_string ("user", NULL, NULL, NULL, FERRY_SETTABLE);
  /**
   * FerryCluster:name:
   *
   * The name by which the server's monitoring shows the connection. The default is the name of the application, which
   * %NULL sets again. Used from the next connection on.
   */
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, FERRY_SETTABLE);
}

static void
install_files (void)
{
  /**
   * FerryCluster:credentials-file:
   *
   * A file with the credentials of the application, for a server that wants some: a JSON web token and a seed, as `nsc`
   * makes them. Used from the next connection on.
   */
  properties[PROP_CREDENTIALS_FILE] = g_param_spec_string ("credentials-file", NULL, NULL, NULL, FERRY_SETTABLE);
  /**
   * FerryCluster:nkey-seed-file:
   *
   * A file with the seed of the application's nkey, for a server that knows the public key. Used from the next
   * connection on.
   */
  properties[PROP_NKEY_SEED_FILE] = g_param_spec_string ("nkey-seed-file", NULL, NULL, NULL, FERRY_SETTABLE);
  /**
   * FerryCluster:tls-ca-file:
   *
   * A file with certificates that the server's certificate must come from. %NULL: those that the system trusts. Used
   * from the next connection on.
   */
  properties[PROP_TLS_CA_FILE] = g_param_spec_string ("tls-ca-file", NULL, NULL, NULL, FERRY_SETTABLE);
}

static void
install_limits (void)
{
  /**
   * FerryCluster:cut-timeout:
   *
   * How long a host may be not heard of, in microseconds, until its tasks count as lost. A connection that is cut for
   * less time loses nothing. The default is 30 seconds, and the least 1 second. Used for hosts that are found from now
   * on. A queue that is opened from now on, and leaves tasks with hosts, looks whether the server has lost any after a
   * sixth of it, and after 5 seconds at most.
   */
  properties[PROP_CUT_TIMEOUT] = g_param_spec_int64 ("cut-timeout", NULL, NULL, G_USEC_PER_SEC, G_MAXINT64,
                                                     FERRY_DEFAULT_CUT_TIMEOUT * G_USEC_PER_SEC, FERRY_SETTABLE);
  /**
   * FerryCluster:death-limit:
   *
   * How often a task that is idempotent ([property@Ferry.Task:idempotent]) may be lost, with the worker or the host
   * that runs it, until it fails with %FERRY_ERROR_QUARANTINED: it may be what ends them. With the default limit of 3
   * it is begun three times, or once more than it has [property@Ferry.Task:retries] if that is more. A task that is not
   * idempotent has no such limit. 0 for no limit.
   */
  properties[PROP_DEATH_LIMIT] =
    g_param_spec_uint ("death-limit", NULL, NULL, 0, G_MAXUINT, DEFAULT_DEATH_LIMIT, FERRY_SETTABLE);
  /**
   * FerryCluster:leave-ahead:
   *
   * How many tasks that run once at most may wait at a host for each of its workers, with the leave to begin. While
   * tasks are shorter than the way to the host and back, a worker would wait for leave between two of them. As many
   * wait as the workers end in such a time, and no more than this number for each worker. They count as begun, so they
   * are lost with the host, and the error says that they were not begun as far as is known. 0: none. The default is 2.
   * Used for tasks that are sent from now on.
   */
  properties[PROP_LEAVE_AHEAD] =
    g_param_spec_uint ("leave-ahead", NULL, NULL, 0, G_MAXUINT8, DEFAULT_LEAVE_AHEAD, FERRY_SETTABLE);
}

static void
install_figures (void)
{
  /**
   * FerryCluster:state: (getter get_state)
   *
   * Whether the server is there.
   */
  properties[PROP_STATE] =
    g_param_spec_enum ("state", NULL, NULL, FERRY_TYPE_CLUSTER_STATE, FERRY_CLUSTER_STATE_CLOSED, FERRY_NOTIFIED);
  /**
   * FerryCluster:hosts: (getter get_hosts)
   *
   * The hosts that can be sent tasks, or will be again: a list model of [class@FerryCluster.Host].
   */
  properties[PROP_HOSTS] = g_param_spec_object ("hosts", NULL, NULL, G_TYPE_LIST_MODEL, FERRY_READABLE);
  /**
   * FerryCluster:instance:
   *
   * The user, and what tells this connection from all others of the user, with a slash between. The logs of hosts name
   * a task by this, and another slash, and the number that is in [property@Ferry.Task:name] unless a name was set.
   * %NULL before the cluster was opened for the first time; it changes each time.
   */
  properties[PROP_INSTANCE] = g_param_spec_string ("instance", NULL, NULL, NULL, FERRY_NOTIFIED);
  /**
   * FerryCluster:error:
   *
   * Why there is no connection, and what to do about it; or, while there is one, what the server does not permit. %NULL
   * if all is well. Wrong credentials or settings also make tasks fail, as long as no connection has come about; for
   * all else, tasks wait.
   */
  properties[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, FERRY_NOTIFIED);
}

/* ---- Life cycle ---- */

/* Makes all tasks fail when the router has stopped, but not the cluster: the router may be started again. */
static void
running_changed (FerryCluster *self)
{
  g_autoptr (FerryCluster) kept G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (GError) reason = NULL;

  if (ferry_router_get_running (self->router))
    {
      start_for_executors (self);
      return;
    }
  reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED,
                                "The router was stopped before the task was done; start the router again, then submit "
                                "the task again");
  stop (self, ferry_error_copy (reason));
  ferry_task_sources_fail_all (&self->sources, FERRY_RUNNER (self), reason);
}

static void
ferry_cluster_constructed (GObject *object)
{
  FerryCluster *self = FERRY_CLUSTER (object);

  G_OBJECT_CLASS (ferry_cluster_parent_class)->constructed (object);

  g_signal_connect_object (self->router, "notify::running", G_CALLBACK (running_changed), self, G_CONNECT_SWAPPED);
}

/* There are no tasks: each executor holds a reference to the cluster. */
static void
ferry_cluster_dispose (GObject *object)
{
  FerryCluster *self = FERRY_CLUSTER (object);

  disconnect (self, g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The cluster was released"));
  ferry_timers_unset (self->router->timers, &self->tend_timer);

  G_OBJECT_CLASS (ferry_cluster_parent_class)->dispose (object);
}

static void
ferry_cluster_finalize (GObject *object)
{
  FerryCluster *self = FERRY_CLUSTER (object);

  g_ptr_array_unref (self->sources.list);
  g_ptr_array_unref (self->hosts);
  g_hash_table_unref (self->namesakes);
  g_object_unref (self->list);
  g_clear_error (&self->error);
  g_free ((char *) self->server.url);
  g_free ((char *) self->server.application);
  g_free ((char *) self->server.user);
  g_free ((char *) self->server.credentials_file);
  g_free ((char *) self->server.nkey_seed_file);
  g_free ((char *) self->server.tls_ca_file);
  g_free ((char *) self->server.name);
  g_free (self->instance);
  g_object_unref (self->router);

  G_OBJECT_CLASS (ferry_cluster_parent_class)->finalize (object);
}

static void
ferry_cluster_class_init (FerryClusterClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = ferry_cluster_constructed;
  object_class->dispose = ferry_cluster_dispose;
  object_class->finalize = ferry_cluster_finalize;
  object_class->get_property = ferry_cluster_get_property;
  object_class->set_property = ferry_cluster_set_property;
  install_identity ();
  install_files ();
  install_limits ();
  install_figures ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
  g_object_class_override_property (object_class, PROP_PARALLELISM, "parallelism");
}

static void
ferry_cluster_init (FerryCluster *self)
{
  self->cut_timeout = FERRY_DEFAULT_CUT_TIMEOUT * G_USEC_PER_SEC;
  self->terms = (FerryHostTerms){.death_limit = DEFAULT_DEATH_LIMIT, .leave_ahead = DEFAULT_LEAVE_AHEAD};
  self->hosts = g_ptr_array_new_with_free_func (g_object_unref);
  self->namesakes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  self->list = g_list_store_new (FERRY_TYPE_HOST);
  self->sources.list = g_ptr_array_new ();
}

/**
 * ferry_cluster_new:
 * @router: a router
 * @url: the URL of the NATS server
 * @application: the name of the application, which its hosts are started with: 1 to 64 letters, digits, `_` and `-`
 *
 * Makes a cluster. This does not connect it yet, and the router need not run yet. Any thread.
 *
 * Returns: (transfer full): the cluster
 */
FerryCluster *
ferry_cluster_new (FerryRouter *router, const char *url, const char *application)
{
  g_return_val_if_fail (FERRY_IS_ROUTER (router), NULL);
  g_return_val_if_fail (url != NULL, NULL);
  g_return_val_if_fail (application != NULL, NULL);
  ferry_return_val_if_fail (ferry_token_is_valid (application), NULL,
                            "'%s' cannot be part of a subject; use 1 to 64 letters, digits, '_' and '-'", application);

  return g_object_new (FERRY_TYPE_CLUSTER, "router", router, "url", url, "application", application, NULL);
}
