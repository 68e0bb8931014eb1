/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a look at the application finds of pipes, channels and calls: who sends, what waits for handlers, how long these
 * take, and which workers are held up by that.
 *
 * A sender that a task was given has a link of its own. So a worker is held up where its own link is full, or one of
 * those.
 *
 * Threads: the routers'. */

#include "config.h"

#include "inspect/ferry-inspection-private.h"

#include "base/ferry-base-private.h"
#include "pool/ferry-pool-private.h"
#include "pool/ferry-pool-worker-private.h"
#include "process/ferry-worker-private.h"
#include "route/ferry-router-private.h"

/* ---- What was not handled ---- */

/* Of what was written, how many bytes were not handled. */
static guint64
count_unread (FerryLink *link)
{
  guint64 written = ferry_link_get_written (link);

  return ferry_link_has_dispatched (link, written) ? 0 : written - MIN (written, link->turn.dispatched);
}

/* Its lane is full, or was before some was taken out of it, which is not handled either. */
static gboolean
is_full (FerryLink *link)
{
  return count_unread (link) >= link->up.capacity / 2;
}

/* How many messages of the pipe are in a block that is not delivered whole. */
static guint
count_in_block (const FerryBlock *block, guint64 connection_id)
{
  guint n = 0;
  gsize cursor = block->cursor;

  if (block->kind == FERRY_BLOCK_LARGE || block->kind == FERRY_BLOCK_BUFFER)
    return block->connection_id == connection_id;
  while (block->kind == FERRY_BLOCK_RECORDS && cursor < block->size)
    {
      const FerryRecordHeader *header = (const FerryRecordHeader *) (const void *) (block->data + cursor);

      n += header->connection_id == connection_id &&
           (header->kind == FERRY_RECORD_BYTES || header->kind == FERRY_RECORD_VARIANT);
      cursor += ferry_record_size (header->length);
    }
  return n;
}

/* How many messages of the pipe have come and wait for its handler. */
static guint
count_waiting (FerryRouter *router, FerryLink *link, guint64 connection_id)
{
  FerryLocalQueue *queue = ferry_monitor_get_local_queue (router->monitor);
  guint n = 0;

  ferry_local_queue_lock (queue);
  for (const GList *node = link->out.blocks.head; node != NULL; node = node->next)
    n += count_in_block (node->data, connection_id);
  ferry_local_queue_unlock (queue);
  return n;
}

static gboolean
has_used_credit (const FerryReceiver *receiver, guint n_waiting)
{
  guint64 credit = atomic_load_explicit (&receiver->credit, memory_order_relaxed);

  return credit > 0 && receiver->messages + n_waiting >= credit;
}

/* ---- Senders that were given ---- */

typedef struct
{
  FerryRouter *router; /* (unowned) */
  FerryPipe *pipe;     /* (unowned): one that is open, with a link of its own */
} Given;

static void
note_given (FerryInspection *self, FerryRouter *router, FerryPipe *pipe)
{
  FerryLink *link = ferry_pipe_get_link (pipe);
  g_autoptr (FerryLink) worker = link != NULL ? ferry_link_dup_worker (link) : NULL;
  GArray *pipes;

  if (worker == NULL)
    return;
  pipes = g_hash_table_lookup (self->given, worker);
  if (pipes == NULL)
    {
      pipes = g_array_new (FALSE, FALSE, sizeof (Given));
      /* The pipe's link has a reference to it. */
      g_hash_table_insert (self->given, worker, pipes);
    }
  g_array_append_vals (pipes, &(Given){router, pipe}, 1);
}

/* Whether the pipe (nullable) counts as one of the router's. */
static gboolean
is_open (const FerryPipe *pipe)
{
  return pipe != NULL && pipe->receiver != NULL && !pipe->receiver->closed;
}

void
ferry_inspection_find_given (FerryInspection *self)
{
  g_autoptr (GArray) routers = ferry_registry_list (FERRY_KIND_ROUTER);

  self->given = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_array_unref);
  for (guint i = 0; i < routers->len; i++)
    {
      FerryRouter *router = g_array_index (routers, FerryFound, i).object;

      for (guint k = 0;
           ferry_router_is_here (router) && router->monitor != NULL && k < ferry_router_get_pipes (router)->len; k++)
        if (is_open (ferry_router_get_pipes (router)->pdata[k]))
          note_given (self, router, ferry_router_get_pipes (router)->pdata[k]);
    }
}

static gboolean
is_given_held_up (const Given *given)
{
  FerryLink *link = ferry_pipe_get_link (given->pipe);
  const FerryReceiver *receiver = given->pipe->receiver;

  return is_full (link) || has_used_credit (receiver, count_waiting (given->router, link, given->pipe->connection_id));
}

gboolean
ferry_inspection_is_held_up (const FerryInspection *self, FerryLink *link, guint64 *unread)
{
  const GArray *given = g_hash_table_lookup (self->given, link);
  gboolean is_held_up = is_full (link);

  *unread = count_unread (link);
  for (guint i = 0; given != NULL && i < given->len; i++)
    {
      const Given *one = &g_array_index (given, Given, i);

      is_held_up = is_held_up || is_given_held_up (one);
      *unread += count_unread (ferry_pipe_get_link (one->pipe));
    }
  return is_held_up;
}

gboolean
ferry_inspection_may_look_at (FerryWorker *worker)
{
  return ferry_affinity_is_own (ferry_worker_get_affinity (worker)) && ferry_worker_get_link (worker) != NULL;
}

GHashTable *
ferry_inspection_list_pool_workers (GArray *pools)
{
  GHashTable *found = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < pools->len; i++)
    {
      FerryPool *pool = g_array_index (pools, FerryFound, i).object;
      FerryPoolStand stand;

      if (!ferry_router_is_here (ferry_runner_get_router (FERRY_RUNNER (pool))))
        continue;
      ferry_pool_get_stand (pool, &stand);
      for (guint k = 0; k < stand.workers->len; k++)
        {
          FerryPoolWorker *worker = g_ptr_array_index (stand.workers, k);

          g_hash_table_insert (found, worker->worker != NULL ? (gpointer) worker->worker : worker, worker);
        }
    }
  return found;
}

/* ---- Pipes ---- */

/* What is known of the senders: the connection id of a pipe that a worker was started with -> the worker's link, and
 * the link of a pool's worker -> the FerryPoolWorker. */
typedef struct
{
  GHashTable *links;
  GHashTable *workers;
} Senders;

static void
add_pipes_of (Senders *senders, FerryLink *link)
{
  for (guint i = 0; i < link->connection_ids->len; i++)
    g_hash_table_insert (senders->links, &g_array_index (link->connection_ids, guint64, i), link);
}

static Senders
find_senders (GHashTable *of_pools)
{
  Senders senders = {g_hash_table_new (g_int64_hash, g_int64_equal), g_hash_table_new (NULL, NULL)};
  g_autoptr (GArray) processes = ferry_registry_list (FERRY_KIND_WORKER);
  GHashTableIter iter;
  gpointer value;

  for (guint i = 0; i < processes->len; i++)
    {
      FerryWorker *worker = g_array_index (processes, FerryFound, i).object;

      if (ferry_inspection_may_look_at (worker))
        add_pipes_of (&senders, ferry_worker_get_link (worker));
    }
  g_hash_table_iter_init (&iter, of_pools);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      FerryPoolWorker *worker = value;

      add_pipes_of (&senders, worker->link);
      g_hash_table_insert (senders.workers, worker->link, worker);
    }
  return senders;
}

/* Says who has the pipe's sender. own: (nullable): the pipe's own link. */
static void
add_sender (FerryInspectedPath *path, FerryLink *own, FerryLink *link, const Senders *senders)
{
  g_autoptr (FerryLink) worker = own != NULL ? ferry_link_dup_worker (own) : NULL;
  const FerryPoolWorker *of_pool;

  path->is_local = own != NULL && own->local;
  if (own == NULL && link != NULL)
    path->worker = g_strdup (link->name);
  if (worker == NULL)
    return;
  path->worker = g_strdup (worker->name);
  of_pool = g_hash_table_lookup (senders->workers, worker);
  /* A worker runs one task, and a task has its senders until it ends. */
  if (of_pool != NULL && of_pool->in_flight.length > 0 && !atomic_load (&own->was_taken_back))
    path->task = g_strdup (ferry_run_get_name (of_pool->in_flight.head->data));
}

static void
add_pipe (FerryInspection *self, const FerryFound *router, FerryPipe *pipe, const Senders *senders)
{
  FerryInspectedPath *path = g_new0 (FerryInspectedPath, 1);
  const FerryReceiver *receiver = pipe->receiver;
  FerryLink *own = ferry_pipe_get_link (pipe);
  FerryLink *link = own != NULL ? own : g_hash_table_lookup (senders->links, &pipe->connection_id);

  *path = (FerryInspectedPath){
    .number = (pipe->connection_id ^ (router->number << 40)) << 2 | FERRY_PATH_PIPE,
    .kind = FERRY_PATH_PIPE,
    .name = g_strdup (receiver->sender_name),
    .load = {.n_carried = receiver->messages},
    .handler_time = receiver->handler_time,
    .slowest = receiver->slowest,
  };
  add_sender (path, own, link, senders);
  if (link != NULL)
    {
      path->load.n_received = count_waiting (router->object, link, pipe->connection_id);
      /* What is there of a link of several pipes may be of another one. */
      path->has_more = (own != NULL || path->load.n_received > 0) &&
                       ferry_link_get_written (link) > atomic_load_explicit (&link->up_taken, memory_order_relaxed);
      path->held_up = is_full (link) || has_used_credit (receiver, path->load.n_received);
    }
  g_ptr_array_add (self->paths, path);
}

static void
add_pipes (FerryInspection *self, const Senders *senders, gboolean are_internal, guint max)
{
  g_autoptr (GArray) routers = ferry_registry_list (FERRY_KIND_ROUTER);

  for (guint i = 0; i < routers->len; i++)
    {
      const FerryFound *found = &g_array_index (routers, FerryFound, i);
      FerryRouter *router = found->object;

      if (!ferry_router_is_here (router) || router->monitor == NULL)
        continue;
      for (guint k = 0; k < ferry_router_get_pipes (router)->len && self->paths->len < max; k++)
        {
          FerryPipe *pipe = g_ptr_array_index (ferry_router_get_pipes (router), k);

          if (is_open (pipe) && pipe->receiver->internal == are_internal)
            add_pipe (self, found, pipe, senders);
        }
    }
}

/* ---- Channels and calls ---- */

/* (transfer full): the transports of pools' workers, in themselves: they carry tasks, and their pipes are shown. */
static GHashTable *
list_pool_transports (GHashTable *of_pools)
{
  GHashTable *found = g_hash_table_new (NULL, NULL);
  GHashTableIter iter;
  gpointer worker;

  g_hash_table_iter_init (&iter, of_pools);
  while (g_hash_table_iter_next (&iter, NULL, &worker))
    g_hash_table_add (found, ((FerryPoolWorker *) worker)->calls);
  return found;
}

/* hidden: those that are not shown. */
static void
add_carriers (FerryInspection *self, FerryKind kind, FerryPathKind path, GHashTable *hidden, guint max)
{
  g_autoptr (GArray) all = ferry_registry_list (kind);

  for (guint i = 0; i < all->len && self->paths->len < max; i++)
    {
      FerryFound *found = &g_array_index (all, FerryFound, i);
      FerryInspectedPath *added;
      FerryLoad load;

      if (!found->look (found->object, &load) || g_hash_table_contains (hidden, found->object))
        continue;
      added = g_new0 (FerryInspectedPath, 1);
      *added = (FerryInspectedPath){.number = found->number << 2 | path, .kind = path, .load = load};
      g_ptr_array_add (self->paths, added);
    }
}

void
ferry_inspection_add_paths (FerryInspection *self, guint max)
{
  g_autoptr (GArray) pools = ferry_registry_list (FERRY_KIND_POOL);
  g_autoptr (GHashTable) of_pools = ferry_inspection_list_pool_workers (pools);
  g_autoptr (GHashTable) hidden = list_pool_transports (of_pools);
  Senders senders = find_senders (of_pools);

  /* The program's own first: where there are many, not all are shown. */
  add_pipes (self, &senders, /* are_internal: */ FALSE, max);
  add_carriers (self, FERRY_KIND_CHANNEL, FERRY_PATH_CHANNEL, hidden, max);
  add_carriers (self, FERRY_KIND_TRANSPORT, FERRY_PATH_CALLS, hidden, max);
  add_pipes (self, &senders, /* are_internal: */ TRUE, max);
  g_hash_table_unref (senders.links);
  g_hash_table_unref (senders.workers);
}
