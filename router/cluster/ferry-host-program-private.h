/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parts of ferry-host: its command line (ferry-host-options.c), the program that has its functions
 * (ferry-host-program.c), 'ferry-host --check' (ferry-host-check.c) and --status (ferry-host-status.c). The router's
 * thread, which is the program's first. */

#pragma once

#include "cluster/ferry-bus-private.h"
#include "cluster/ferry-run-message-private.h"
#include "cluster/ferry-server-access-private.h"
#include "pool/ferry-pool.h"
#include "process/ferry-launcher.h"
#include "process/ferry-sandbox.h"

G_BEGIN_DECLS

/* ---- The command line ---- */

#define FERRY_HOST_DEFAULT_SERVER "nats://127.0.0.1:4222"
/* What says which server it is where the command line does not: it may have a password, which no workers inherit. */
#define FERRY_HOST_SERVER_VARIABLE "FERRY_SERVER"

/* All pointers are owned. */
typedef struct
{
  char *server;
  char *application; /* a token */
  char *name;        /* a token */
  int n_workers;     /* 0: one for each processor */
  char *functions;   /* a glob pattern */
  char **labels;     /* (nullable) */
  char *queue;       /* (nullable): a token: whose queue */
  char *credentials; /* (nullable), as the next two: paths of files */
  char *nkey;
  char *tls_ca;
  char *sandbox; /* (nullable): required, preferred or off */
  char **readable;
  char **writable;
  gboolean network;
  gint64 memory_limit; /* in bytes; 0: none */
  int cut_timeout;     /* in seconds: how long an application may be out of reach before its tasks are ended */
  int max_tasks;       /* how many tasks a worker runs before it is replaced; 0: any number */
  gboolean no_fork_server;
  char *metrics_file; /* (nullable) */
  gboolean check;
  gboolean status;
  gboolean verbose;
  gboolean version;
  char **program; /* (array zero-terminated=1): the program and its arguments; none where status is set */
} FerryHostOptions;

/* Reads the arguments of main(), and fills in what was not given. Fails with an error that says what is wrong with
 * them. Prints help and exits where that was asked for. */
gboolean ferry_host_options_parse (FerryHostOptions *self, char **arguments, GError **error);
void ferry_host_options_clear (FerryHostOptions *self);

/* Returns (transfer full) a launcher of the program's workers. */
FerryLauncher *ferry_host_options_make_launcher (const FerryHostOptions *self);
/* Returns (transfer full) (array zero-terminated=1) those of the functions of FERRY_LIST_FUNCTION_TYPE that the pattern
 * fits: 1 to FERRY_MAX_HOST_FUNCTIONS, or an error. */
char **ferry_host_options_filter (const FerryHostOptions *self, GVariant *functions, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerryHostOptions, ferry_host_options_clear)

/* ---- The program ---- */

typedef struct
{
  FerryRouter *router; /* (owned) */
  FerryPool *pool;     /* (owned) */
  char **functions;    /* (owned) (array zero-terminated=1): those that the host offers */
  char *version;       /* (owned) (nullable): of the program; NULL: it tells none */
  GSource *reset;      /* (owned) (nullable): when a failed pool is tried again */
} FerryHostProgram;

/* Starts a router and one worker, asks it for its functions, and makes the pool. Waits meanwhile. Fails with an error
 * that says what is wrong with the program. */
gboolean ferry_host_program_start (FerryHostProgram *self, const FerryHostOptions *options, GError **error);
void ferry_host_program_stop (FerryHostProgram *self);

/* Sets settings to what the options say of the server. What it refers to is owned by options, or is connection_name,
 * which must be freed later. */
void ferry_host_get_bus_settings (const FerryHostOptions *options, FerryBusSettings *settings, char **connection_name);

/* Returns (transfer full) (nullable) the warning of a server that lets anybody in. */
char *ferry_host_dup_exposure (FerryBus *bus);

/* What is asked of a server: whether it lets this host in, and what the host of this name tells. */
typedef struct
{
  gboolean wants_answer; /* no more than that: to ask is over once it has come */
  FerryHostFacts answer; /* (owned): its name is NULL if none has come */
  char *address;         /* (owned): of the server */
  char *exposure;        /* (owned) (nullable): its warning */
} FerryHostInquiry;

void ferry_host_inquiry_clear (FerryHostInquiry *self);
/* Asks, and waits meanwhile. functions: (nullable) (array zero-terminated=1). Writes what is wrong. Returns whether the
 * server lets this host in. */
gboolean ferry_host_inquire (FerryHostInquiry *self, FerryRouter *router, const FerryHostOptions *options,
                             char **functions);
/* Writes a line: what it is about, and the rest. */
void ferry_host_say (const char *what, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Writes what the host of this name does. Returns whether it has answered. */
gboolean ferry_host_status (const FerryHostOptions *options);
/* Tries all that a host needs, and writes what it finds. Returns whether all is well. */
gboolean ferry_host_check (const FerryHostOptions *options);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerryHostInquiry, ferry_host_inquiry_clear)

G_END_DECLS
