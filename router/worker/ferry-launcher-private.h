/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A launcher from within the layer. It belongs to the router's thread. */

#pragma once

#include "route/ferry-home-private.h"
#include "sandbox/ferry-sandbox-private.h"
#include "spawn/ferry-attributes-private.h"
#include "worker/ferry-launcher.h"
#include "worker/ferry-nursery.h"

G_BEGIN_DECLS

/* What the names of senders begin with that Ferry itself passes to its workers. */
#define FERRY_RESERVED_SENDER_PREFIX "ferry."

/* A transport's sender is passed by a name that begins so, and ends with the transport's. */
#define FERRY_TRANSPORT_SENDER_PREFIX FERRY_RESERVED_SENDER_PREFIX "transport."

/* What a program calls for the senders that Ferry passes it. */
#define FERRY_MAIN_ENTRY "ferry_worker_main() at the beginning of main()"

#define FERRY_N_STREAMS 3

/* The environment variable by which a persistent worker is told its address. */
#define FERRY_LISTEN_ADDRESS_VARIABLE "FERRY_LISTEN_ADDRESS"

typedef enum
{
  FERRY_STREAM_USUAL, /* inherited, but neither into a sandbox nor in a pool */
  FERRY_STREAM_INHERITED,
  FERRY_STREAM_SILENCED,
  FERRY_STREAM_GIVEN,
  FERRY_STREAM_LOGGED,
} FerryStreamMode;

/* Told of the worker that was spawned with a sender; NULL: there will be none. Called once. */
typedef void (*FerryPassedFunc) (FerryWorker *worker, gpointer data);

typedef struct
{
  char *name;             /* (owned) */
  FerrySender *sender;    /* (owned) */
  const char *entry;      /* (unowned): the function that has to be called for it */
  FerryPassedFunc passed; /* (nullable): NULL once it was called */
  gpointer passed_data;
} FerryNamedSender;

struct _FerryLauncher
{
  GObject parent_instance;

  FerryHome *home; /* (owned) (nullable): of the router that the launcher is used with, from the first use on */
  char **argv;     /* (owned) */
  char **environ;  /* (owned) */
  char *cwd;       /* (owned) (nullable) */
  gint64 attach_timeout;
  gsize arena_size;
  gboolean trusted;
  FerryStreamMode modes[FERRY_N_STREAMS];
  int fds[FERRY_N_STREAMS]; /* (owned): where the mode is FERRY_STREAM_GIVEN, else -1 */
  GArray *senders;          /* (owned) (element-type FerryNamedSender) */
  FerryAttributes attributes;
  FerryNursery *nursery; /* (owned) (nullable): what forks its workers */
  gboolean may_execute;  /* they are executed where the nursery cannot fork them */
  FerrySandbox *sandbox; /* (owned) (nullable): what its workers run in */
};

/* main: from now on the launcher, and what belongs to it, is for that thread. */
void ferry_launcher_bind (FerryLauncher *self, FerryHome *home);
void ferry_launcher_set_stream (FerryLauncher *self, FerryStream stream, FerryStreamMode mode, int fd);
/* The path of what is executed. FERRY_ERROR_LAUNCH_FAILED. */
char *ferry_launcher_find_program (FerryLauncher *self, GError **error);
FerryWorker *ferry_launcher_spawn_named (FerryLauncher *self, FerryRouter *router, const char *name, GError **error);
FerryWorker *ferry_launcher_spawn_nursery (FerryLauncher *self, FerryRouter *router, GError **error);

/* In ferry-launcher-senders.c. */
gboolean ferry_launcher_add_reserved_sender (FerryLauncher *self, const char *name, FerrySender *sender,
                                             GError **error);
gboolean ferry_launcher_add_watched_sender (FerryLauncher *self, const char *name, FerrySender *sender,
                                            const char *entry, FerryPassedFunc passed, gpointer data, GError **error);
void ferry_launcher_drop_last_sender (FerryLauncher *self);
GArray *ferry_launcher_set_senders_aside (FerryLauncher *self);
void ferry_launcher_put_senders_back (FerryLauncher *self, GArray *senders);
void ferry_launcher_swap_senders (FerryLauncher *self, FerryLauncher *other);
gboolean ferry_launcher_check_no_senders (FerryLauncher *self, const char *what, const char *remedy, GError **error);
gboolean ferry_launcher_pass_senders (FerryLauncher *self, GError **error);
GArray *ferry_named_senders_new (void);
void ferry_named_senders_tell (GArray *self, FerryWorker *worker);

/* In ferry-launcher-copy.c. */
FerryLauncher *ferry_launcher_new_copy (FerryLauncher *launcher);
FerryLauncher *ferry_launcher_new_forked (FerryLauncher *launcher);
void ferry_launcher_log_usual (FerryLauncher *self);
char *ferry_launcher_dup_program_name (FerryLauncher *self);

G_END_DECLS
