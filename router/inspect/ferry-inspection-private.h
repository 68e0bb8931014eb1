/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an application of Ferry has and does, as it is at one moment: for who looks at it. */

#pragma once

#include "base/ferry-registry-private.h"
#include "pool/ferry-pool.h"
#include "process/ferry-worker-usage-private.h"
#include "task/ferry-task.h"

G_BEGIN_DECLS

/* What is looked at. */
typedef enum
{
  FERRY_INSPECTS_WORKERS = 1 << 0,
  FERRY_INSPECTS_TASKS = 1 << 1,
  FERRY_INSPECTS_FIGURES = 1 << 2,
  FERRY_INSPECTS_PATHS = 1 << 3,
  FERRY_INSPECTS_ALL = (1 << 4) - 1,
} FerryInspects;

typedef enum
{
  FERRY_INSPECTED_STARTING,
  FERRY_INSPECTED_IDLE,
  FERRY_INSPECTED_BUSY,
  FERRY_INSPECTED_OPEN,  /* of no pool */
  FERRY_INSPECTED_FORKS, /* it is a fork server, which forks the others */
  FERRY_INSPECTED_ENDING,
  FERRY_INSPECTED_ENDED, /* its process has, and what it has sent was not all handled */
} FerryInspectedState;

/* A process, or a thread of a pool. In the structures below, a number tells one from all others of its kind that there
 * ever were. */
typedef struct
{
  guint64 number;
  FerryInspectedState state;
  char *name;       /* (owned) */
  char *program;    /* (owned) (nullable): of a path its last part; NULL: it is a thread */
  char *identifier; /* (owned) (nullable): of the process */
  char *sandbox;    /* (owned) (nullable): its layers */
  char *task;       /* (owned) (nullable): the name of the task that it runs */
  char *function;   /* (owned) (nullable): its function */
  char *lines;      /* (owned) (nullable): the last ones that it has printed for that */
  char *place;     /* (owned) (nullable): where it was when ferry_inspection_ask_worker() asked, a line for each call */
  guint64 pool;    /* the number of its pool; 0: it is of none */
  char *pool_name; /* (owned) (nullable) */
  guint n_waiting; /* how many tasks were sent ahead to it */
  guint64 unread;  /* bytes that it has sent, and that were not handled */
  gboolean held_up; /* it can send no more before some of them are */
} FerryInspectedWorker;

/* What a task waits for. */
typedef enum
{
  FERRY_WAITS_NOT,
  FERRY_WAITS_BEHIND,    /* it was sent ahead to a worker that runs another one */
  FERRY_WAITS_FOR_START, /* of a worker */
  FERRY_WAITS_PAUSED,
  FERRY_WAITS_WHILE_PAUSED,   /* its executor is */
  FERRY_WAITS_FOR_ROUTER,     /* it was stopped */
  FERRY_WAITS_FOR_SHORTAGE,   /* the system has too little for a worker */
  FERRY_WAITS_FOR_NEXT_START, /* workers have ended too early */
  FERRY_WAITS_FOR_WORKER,     /* as many as there may be are busy */
  FERRY_WAITS_FOR_HOST,
  FERRY_WAITS_FOR_TIME,
  FERRY_WAITS_FOR_QUEUE,    /* it is in a file */
  FERRY_WAITS_FOR_TURN,     /* it begins next */
  FERRY_WAITS_FOR_HANDLERS, /* it runs, and its worker is held up */
  FERRY_N_WAITS,
} FerryObstacle;

typedef struct
{
  guint64 number;
  FerryTask *task; /* (owned) */
  FerryTaskState state;
  gboolean paused;
  FerryObstacle wait;
  char *name;           /* (owned) */
  char *where;          /* (owned) (nullable): the worker or the host that has it */
  char *text;           /* (owned) (nullable): what its function or its error says, or what it waits for */
  char *trace;          /* (owned) (nullable): where it failed */
  const char *function; /* (unowned): of the task */
  guint n_attempts;
  guint n_before;      /* how many workers are busy, for FERRY_WAITS_FOR_WORKER */
  double fraction;     /* negative: not known */
  gint64 since;        /* monotonic time since when it waits, or when it began */
  gint64 ended;        /* monotonic time when it ended; 0: it has not */
  gint64 until;        /* monotonic time of the next try; 0: there is none */
  gboolean was_killed; /* it has ended with its worker, which this application has killed */
} FerryInspectedTask;

typedef enum
{
  FERRY_UNIT_COUNT,
  FERRY_UNIT_BYTES,
  FERRY_UNIT_MICROSECONDS,
  FERRY_UNIT_FLAG,
} FerryUnit;

/* A number of a router, a pool or an executor, by the name of its property or its counter. */
typedef struct
{
  FerryKind kind;
  guint64 owner;     /* the number of that */
  char *owner_name;  /* (owned) (nullable): of a pool, and of the first one of an executor */
  gboolean of_queue; /* it is that of the executor's queue in a file */
  const char *name;  /* (unowned): static */
  FerryUnit unit;
  guint64 value;
  guint64 limit; /* 0: there is none */
} FerryInspectedFigure;

typedef enum
{
  FERRY_PATH_PIPE,
  FERRY_PATH_CHANNEL,
  FERRY_PATH_CALLS,
} FerryPathKind;

typedef struct
{
  guint64 number;
  FerryPathKind kind;
  char
    *name; /* (owned) (nullable): of a pipe, the sender that a worker was started with; Ferry's own begin with ferry. */
  char *worker; /* (owned) (nullable): of a pipe, the name of the worker that has the sender */
  char *task;   /* (owned) (nullable): of a pipe, the name of the task that was given the sender */
  /* In the load of a pipe, of what has come from the worker, n_received wait for handlers. */
  FerryLoad load;
  gboolean is_local;    /* the sender of the pipe is in this process */
  gboolean has_more;    /* more is in the memory that the worker writes to */
  gboolean held_up;     /* the sender can send no more before some of it is handled */
  guint64 handler_time; /* microseconds that the handlers of a pipe took in all */
  guint64 slowest;      /* the longest of them, where it took more than some microseconds */
} FerryInspectedPath;

typedef struct
{
  GPtrArray *workers; /* (element-type FerryInspectedWorker) */
  GPtrArray *tasks;   /* (element-type FerryInspectedTask) */
  GPtrArray *figures; /* (element-type FerryInspectedFigure) */
  GPtrArray *paths;   /* (element-type FerryInspectedPath) */
  guint n_tasks;      /* how many are open, those of the array among them */
  guint n_elsewhere;  /* how many routers belong to other threads, of which nothing is known here */
  GHashTable *given;  /* (owned): the link of a worker -> an array of the pipes whose senders it was given */
} FerryInspection;

/* Looks at what the calling thread may look at: the routers of this thread, with what they have; at most max of each
 * kind. */
FERRY_FOR_SIBLINGS
FerryInspection *ferry_inspection_new (FerryInspects what, guint max);
FERRY_FOR_SIBLINGS
void ferry_inspection_free (FerryInspection *self);

/* Returns (transfer full) a task's arguments as text, which is cut. */
FERRY_FOR_SIBLINGS
char *ferry_inspection_show_arguments (FerryTask *task);
/* Ends the worker, at once if kills is TRUE; else once it has done what it runs. Returns FALSE for one that has ended,
 * or is a thread. */
FERRY_FOR_SIBLINGS
gboolean ferry_inspection_end_worker (guint64 number, gboolean kills);

/* Asks a worker which function it is in; looks find the answer. Returns FALSE for one that cannot say. */
FERRY_FOR_SIBLINGS
gboolean ferry_inspection_ask_worker (guint64 number);

typedef struct _FerryLink FerryLink;

/* Sets *unread to how many bytes of the worker were not handled yet, those of senders that it was given among them.
 * Returns whether it can send no more by one of these. */
gboolean ferry_inspection_is_held_up (const FerryInspection *self, FerryLink *link, guint64 *unread);
/* Finds which senders were given to which worker. Before the look for anything else. */
void ferry_inspection_find_given (FerryInspection *self);
/* Whether it is of a router of this thread, and has not ended. */
gboolean ferry_inspection_may_look_at (FerryWorker *worker);
/* Returns (transfer full): the workers of the pools of this thread, by what they are: a FerryWorker, or for a thread
 * its FerryPoolWorker -> the FerryPoolWorker. */
GHashTable *ferry_inspection_list_pool_workers (GArray *pools);
/* The parts of a look: each adds its own, max at most. */
void ferry_inspection_add_tasks (FerryInspection *self, guint max);
void ferry_inspection_add_figures (FerryInspection *self, guint max);
void ferry_inspection_add_paths (FerryInspection *self, guint max);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryInspection, ferry_inspection_free)

G_END_DECLS
