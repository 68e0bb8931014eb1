/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The messages between proxies and exporters: the methods of their transactions, and the values in them.
 *
 * Owner:   what is taken from a message borrows from its GVariant.
 * Threads: any.
 * Trust:   none. Values of the other end have any type and content until one of the functions below has taken them. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Answered: a FerryViewRequest, FerryViewResult. */
#define FERRY_OBJECT_METHOD_VIEW "ferry.View"
/* A stream of (bt): whether the exporter listens, and its generation. The first one comes at once. */
#define FERRY_OBJECT_METHOD_WATCH "ferry.Watch"
/* Answered: a FerryObjectRoot, the description of its interface. */
#define FERRY_OBJECT_METHOD_DESCRIBE "ferry.Describe"
/* A stream of FerrySubscriptionItems: a FerryFollowRequest. The answer, an error, comes when there is nothing more to
 * follow.
 */
#define FERRY_OBJECT_METHOD_FOLLOW "ferry.Follow"
/* One-way: (ttt), generation, number, and how many arrived references to it are dropped. */
#define FERRY_OBJECT_METHOD_RELEASE "ferry.Release"

/* Limits, in both directions. */
#define FERRY_VIEW_MAX_STEPS 64
#define FERRY_MEMBER_NAME_MAX 255
#define FERRY_FOLLOW_MAX_NAMES 256
#define FERRY_ROWS_MAX 1024                      /* rows of a list in one answer */
#define FERRY_MAX_REFERENCES 65536               /* objects that an end holds over one transport */
#define FERRY_MAX_HELD_BYTES (256 * 1024 * 1024) /* of values among them */
/* Added to the code of an error that means "does not listen", where an object has raised it: then it means something
 * else. */
#define FERRY_RAISED_CODE 65536
#define FERRY_MAX_SUBSCRIBERS 1024 /* subscriptions of one transport */

typedef enum
{
  FERRY_STEP_CALL,        /* name; a tuple */
  FERRY_STEP_GET,         /* name */
  FERRY_STEP_SET,         /* name; a value. Gives (tv): the count of changes, and the value that it has then */
  FERRY_STEP_DELETE,      /* name: the property gets its default. As FERRY_STEP_SET */
  FERRY_STEP_GET_ITEM,    /* a key */
  FERRY_STEP_SET_ITEM,    /* (vv): key and value */
  FERRY_STEP_DELETE_ITEM, /* a key */
  FERRY_STEP_CONTAINS,    /* a key. Gives b */
  FERRY_STEP_LENGTH,      /* gives t */
  FERRY_STEP_PASS,        /* name of a function; a tuple */
  FERRY_STEP_SUPER,       /* name of a type, or empty; a call follows */
  FERRY_STEP_ROWS,        /* (tu): position, and how many. Gives (ttav): revision, length, rows */
  FERRY_N_STEPS,
} FerryStepKind;

/* An exported object: by its name, or by its number where the generation is not 0. */
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

typedef struct
{
  FerryObjectRoot root;
  gboolean as_proxy; /* also of a result that is a value */
  guint n_steps;
  FerryStep *steps; /* (owned) */
  GVariant *held;   /* (owned) (nullable): what names and arguments are borrowed from */
} FerryViewRequest;

/* Returns (transfer floating). */
GVariant *ferry_view_request_to_variant (const FerryViewRequest *self);
/* The bytes of that, at place where they have room there, and otherwise in memory of their own: (transfer full). */
guint8 *ferry_view_request_pack (const FerryViewRequest *self, guint8 *place, gsize room, gsize *size);
/* arguments (nullable). Fails with FERRY_ERROR_BAD_ARGUMENTS; there is nothing to be cleared then. */
gboolean ferry_view_request_take (FerryViewRequest *self, GVariant *arguments, GError **error);
/* The rules for steps that both ends keep: FERRY_ERROR_BAD_ARGUMENTS. */
gboolean ferry_view_request_check (const FerryViewRequest *self, GError **error);
void ferry_view_request_clear (FerryViewRequest *self);
/* The same as text, for logs and messages. n_steps: how many of them. */
char *ferry_view_request_to_string (const FerryViewRequest *self, guint n_steps);

/* A result: a value, nothing, or a counted reference to an object. */
typedef struct
{
  GVariant *value;    /* (owned) (nullable) */
  guint64 generation; /* 0: no object */
  guint64 number;
  const char *name;      /* (nullable): the name under which the object is exported; borrowed from held, as the next */
  const char *interface; /* (nullable): of the object; none of a value's proxy */
  GVariant *held;        /* (owned) (nullable) */
} FerryViewResult;

GVariant *ferry_view_result_to_variant (const FerryViewResult *self);
/* Fails with FERRY_ERROR_PROTOCOL. */
gboolean ferry_view_result_take (FerryViewResult *self, GVariant *answer, GError **error);
void ferry_view_result_clear (FerryViewResult *self);

typedef struct
{
  FerryObjectRoot root;
  GVariant *properties; /* (owned): as, "*" for all */
  GVariant *signals;    /* (owned): as */
  gboolean list;        /* whether changes of the list are followed */
} FerryFollowRequest;

GVariant *ferry_follow_request_to_variant (const FerryObjectRoot *root, const char *const *properties,
                                           const char *const *signals, gboolean list);
gboolean ferry_follow_request_take (FerryFollowRequest *self, GVariant *arguments, GError **error);
void ferry_follow_request_clear (FerryFollowRequest *self);

/* An item of a subscription: (a(stv)a(sv)ta(tttt)t).
 * properties: name, count of its changes, newest value. signals: name and arguments, a tuple, in their order. n_missed:
 * signals that had no room, before those of this item. changes: of the list, in their order: revision, position, how
 * many rows went, how many came; one may join several. length: of the list, in the first item of a stream only, whose
 * first change is empty and says its revision. */
#define FERRY_SUBSCRIPTION_ITEM_TYPE "(a(stv)a(sv)ta(tttt)t)"

gboolean ferry_error_says_nobody_listens (const GError *error);
/* Marks an error that an object has raised, and takes the mark off: returns whether it had one. */
void ferry_error_mark_raised (GError *error);
gboolean ferry_error_take_raised (GError *error);

G_END_DECLS
