/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The messages between proxies and exporters: the methods of their calls, and the values in them. Any thread. */

#pragma once

#include <gio/gio.h>

#include "wire/ferry-layout-private.h"

G_BEGIN_DECLS

/* Arguments: a FerryChainRequest. Answer: a FerryChainResult. */
#define FERRY_OBJECT_METHOD_VIEW "ferry.View"
/* No arguments. Answer: a stream of (bt): whether the exporter listens, and its generation. The first comes at once. */
#define FERRY_OBJECT_METHOD_WATCH "ferry.Watch"
/* Arguments: a FerryObjectRoot. Answer: the description of its interface. */
#define FERRY_OBJECT_METHOD_DESCRIBE "ferry.Describe"
/* Arguments: a FerryFollowRequest. Answer: a stream of items of FERRY_SUBSCRIPTION_ITEM_TYPE. The stream ends with
 * an error when there is nothing more to follow. */
#define FERRY_OBJECT_METHOD_FOLLOW "ferry.Follow"
/* One-way. Arguments: (ttt): generation, number, and how many references to that object are dropped, which must have
 * arrived. */
#define FERRY_OBJECT_METHOD_RELEASE "ferry.Release"

/* Limits for both ends. */
#define FERRY_MAX_STEPS 64
#define FERRY_MEMBER_NAME_MAX 255
#define FERRY_FOLLOW_MAX_NAMES 256
#define FERRY_ROWS_MAX 1024        /* the most rows of a list in one answer */
#define FERRY_MAX_REFERENCES 65536 /* the most objects to which an end has references over one transport */
#define FERRY_MAX_HELD_BYTES (256 * 1024 * 1024) /* the most bytes of values among these objects */
/* Added to an error's code when an object has raised an error with a code that means something else to the other end:
 * "the exporter does not listen", or "no exporter is here". */
#define FERRY_RAISED_CODE 65536
#define FERRY_MAX_SUBSCRIBERS 1024 /* the most subscriptions over one transport */

/* The bytes on the stack for a packed request or result; a larger one is allocated. */
#define FERRY_PACKED_HERE 512

typedef enum
{
  FERRY_STEP_CALL,     /* name; a tuple */
  FERRY_STEP_GET,      /* name */
  FERRY_STEP_SET,      /* name; a value. Result: (tv): the count of changes, and the value that the property has after
                          setting */
  FERRY_STEP_DELETE,   /* name: the property is set to its default. Result: as for FERRY_STEP_SET */
  FERRY_STEP_GET_ITEM, /* a key */
  FERRY_STEP_SET_ITEM, /* (vv): key and value */
  FERRY_STEP_DELETE_ITEM, /* a key */
  FERRY_STEP_CONTAINS,    /* a key. Result: b */
  FERRY_STEP_LENGTH,      /* result: t */
  FERRY_STEP_PASS,        /* name of a function; a tuple */
  FERRY_STEP_SUPER,       /* name of a type, or empty for the parent type; the next step must be a call */
  FERRY_STEP_ROWS,        /* (tu): position, and how many. Result: (ttav): the list's revision, its length, its rows */
  FERRY_N_STEPS,
} FerryStepKind;

/* Names an exported object: by its name, or if generation is not 0, by its number. */
typedef struct
{
  const char *name;
  guint64 generation;
  guint64 number;
} FerryObjectRoot;

typedef struct
{
  guint8 kind; /* a FerryStepKind */
  const char *name;
  GVariant *argument; /* (nullable) */
} FerryStep;

/* The steps of a chain of operations, as an application gives it: see ferry_proxy_resolve(). */
typedef struct
{
  guint n;
  FerryStep steps[FERRY_MAX_STEPS]; /* arguments are owned, names borrowed from names */
  GVariant *names[FERRY_MAX_STEPS]; /* (owned) (nullable) */
} FerrySteps;

/* Fails with FERRY_ERROR_BAD_ARGUMENTS and FERRY_ERROR_TOO_LARGE, and must be cleared also then. operations:
 * (nullable).
 */
gboolean ferry_steps_take (FerrySteps *self, GVariant *operations, GError **error);
void ferry_steps_clear (FerrySteps *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerrySteps, ferry_steps_clear)

typedef struct
{
  FerryObjectRoot root;
  gboolean as_proxy; /* whether the result must be a reference, even if it is a value */
  guint n_steps;
  FerryStep *steps; /* (owned) */
  GBytes *held;     /* (owned) (nullable): the message from which names and arguments are borrowed */
} FerryChainRequest;

/* Returns the bytes of a request: at place, if room is enough, and otherwise in new memory (transfer full). size:
 * set to their number. */
guint8 *ferry_chain_request_pack (const FerryChainRequest *self, guint8 *place, gsize room, gsize *size);
/* Fills a request from a message. packed: (nullable). verdict: on its values, if they were checked before. Fails with
 * FERRY_ERROR_BAD_ARGUMENTS and FERRY_ERROR_TOO_LARGE; then the request must not be cleared. */
gboolean ferry_chain_request_take (FerryChainRequest *self, GBytes *packed, FerryValueVerdict verdict, GError **error);
/* Checks the rules for steps, which both ends check. Fails with FERRY_ERROR_BAD_ARGUMENTS and FERRY_ERROR_TOO_LARGE. */
gboolean ferry_chain_request_check (const FerryChainRequest *self, GError **error);
void ferry_chain_request_clear (FerryChainRequest *self);
/* Returns (transfer full) a request's object and its first n_steps steps as text, for logs and messages. */
char *ferry_chain_request_to_string (const FerryChainRequest *self, guint n_steps);

/* The result of a chain: a value, nothing, or a counted reference to an object. */
typedef struct
{
  GVariant *value;    /* (owned) (nullable) */
  guint64 generation; /* 0: the result is not an object */
  guint64 number;
  const char
    *name; /* (nullable): the name under which the object is exported; borrowed from held, also the next field */
  const char *interface; /* (nullable): the name of the object's interface; NULL for a value */
  GBytes *held;          /* (owned) (nullable) */
} FerryChainResult;

/* As ferry_chain_request_pack(). */
guint8 *ferry_chain_result_pack (const FerryChainResult *self, guint8 *place, gsize room, gsize *size);
/* Fills a result from a message. packed: (nullable). verdict: as above. Fails with FERRY_ERROR_PROTOCOL. */
gboolean ferry_chain_result_take (FerryChainResult *self, GBytes *packed, FerryValueVerdict verdict, GError **error);
void ferry_chain_result_clear (FerryChainResult *self);

/* Whether bytes, which may change meanwhile, look like a packed request, or else result, with a value that is checked.
 */
gboolean ferry_chain_seems_checked (gboolean is_request, gconstpointer data, gsize size);
/* Checks all values of a packed request or result, in bytes that do not change, and are perhaps neither. */
FerryValueVerdict ferry_chain_judge (gboolean is_request, gconstpointer data, gsize size);

typedef struct
{
  FerryObjectRoot root;
  GVariant *properties; /* (owned): of type “as”: names of properties, "*" for all */
  GVariant *signals;    /* (owned): of type “as”: names of signals */
  gboolean list;        /* whether changes of the list are followed, too */
} FerryFollowRequest;

GVariant *ferry_follow_request_to_variant (const FerryObjectRoot *root, const char *const *properties,
                                           const char *const *signals, gboolean list);
gboolean ferry_follow_request_take (FerryFollowRequest *self, GVariant *arguments, GError **error);
void ferry_follow_request_clear (FerryFollowRequest *self);

/* An item of a subscription: properties, signals, n_missed, changes, length. properties: name, count of its changes,
 * newest value. signals: in their order: name and arguments, a tuple. n_missed: how many signals were left out
 * before those of this item. changes: of the list, in their order: revision, position, how many rows were removed,
 * how many added; one change may be joined from several. length: of the list; only in the first item of a stream. The
 * first change of that item is empty and has only the list's revision. */
#define FERRY_SUBSCRIPTION_ITEM_TYPE "(a(stv)a(sv)ta(tttt)t)"

gboolean ferry_error_says_nobody_listens (const GError *error);
/* Marks an error that an object has raised. ferry_error_take_raised() removes the mark, and returns whether the
 * error had one. */
void ferry_error_mark_raised (GError *error);
gboolean ferry_error_take_raised (GError *error);

G_END_DECLS
