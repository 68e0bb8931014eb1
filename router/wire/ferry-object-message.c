/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The messages between proxies and exporters: the methods of their calls, and the values in them.
 *
 * Owner:   values that were taken from a message are borrowed from its GVariant.
 * Threads: any.
 * Trust:   none. Values of the other end have any type and content until one of the functions here has taken them. */

#include "config.h"

#include "wire/ferry-object-message-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "wire/ferry-depth-private.h"
#include "wire/ferry-packing-private.h"
#include "wire/ferry-remote-error-private.h"

#define FOLLOW_TYPE "(sttasasb)"

/* ---- steps ---- */

typedef enum
{
  ARGUMENT_NONE,
  ARGUMENT_TUPLE, /* a tuple, or no argument */
  ARGUMENT_ANY,
} ArgumentRule;

static const struct
{
  const char *word; /* (nullable): what an application calls the operation; NULL: it is for replicas of lists */
  gboolean named;
  ArgumentRule argument;
  const char *type; /* (nullable): the type that the argument must have */
  gboolean goes_on; /* whether another step may follow */
  const char *text; /* the step as text: N stands for its name, A for its argument; K and V for the key and the value in
                       the argument */
} rules[FERRY_N_STEPS] = {
  [FERRY_STEP_CALL] = {"call", TRUE, ARGUMENT_TUPLE, NULL, TRUE, ".NA"},
  [FERRY_STEP_GET] = {"get", TRUE, ARGUMENT_NONE, NULL, TRUE, ".N"},
  [FERRY_STEP_SET] = {"set", TRUE, ARGUMENT_ANY, NULL, FALSE, ".N = A"},
  [FERRY_STEP_DELETE] = {"delete", TRUE, ARGUMENT_NONE, NULL, FALSE, ".N = default"},
  [FERRY_STEP_GET_ITEM] = {"get-item", FALSE, ARGUMENT_ANY, NULL, TRUE, "[A]"},
  [FERRY_STEP_SET_ITEM] = {"set-item", FALSE, ARGUMENT_ANY, "(vv)", FALSE, "[K] = V"},
  [FERRY_STEP_DELETE_ITEM] = {"delete-item", FALSE, ARGUMENT_ANY, NULL, FALSE, ".delete(A)"},
  [FERRY_STEP_CONTAINS] = {"contains", FALSE, ARGUMENT_ANY, NULL, FALSE, ".contains(A)"},
  [FERRY_STEP_LENGTH] = {"length", FALSE, ARGUMENT_NONE, NULL, FALSE, ".length"},
  [FERRY_STEP_PASS] = {"pass-to", TRUE, ARGUMENT_TUPLE, NULL, TRUE, " -> NA"},
  [FERRY_STEP_SUPER] = {"super", TRUE, ARGUMENT_NONE, NULL, TRUE, ".super(N)"},
  [FERRY_STEP_ROWS] = {NULL, FALSE, ARGUMENT_ANY, "(tu)", FALSE, ".rowsA"},
};

/* came: the step has come in a message, where its argument was checked. */
static gboolean
check_argument (const FerryStep *step, gboolean came, GError **error)
{
  guint32 n_rows = 0;

  if (rules[step->kind].argument == ARGUMENT_ANY
        ? step->argument == NULL
        : rules[step->kind].argument == ARGUMENT_NONE && step->argument != NULL)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "An operation of kind %u %s; correct the chain",
                            step->kind, step->argument == NULL ? "has no value" : "has a value, and takes none");
  if (step->argument == NULL)
    return TRUE;
  if (!came && !ferry_depth_check (step->argument, error))
    return FALSE;
  if (rules[step->kind].argument == ARGUMENT_TUPLE && !g_variant_is_of_type (step->argument, G_VARIANT_TYPE_TUPLE))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "The arguments of '%s' are of type '%s', not a tuple; put them into a tuple", step->name,
                            g_variant_get_type_string (step->argument));
  if (rules[step->kind].type != NULL && !g_variant_is_of_type (step->argument, G_VARIANT_TYPE (rules[step->kind].type)))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "An operation of kind %u takes a value of type '%s', not '%s'; send that type", step->kind,
                            rules[step->kind].type, g_variant_get_type_string (step->argument));
  if (step->kind == FERRY_STEP_ROWS)
    g_variant_get_child (step->argument, 1, "u", &n_rows);
  if (n_rows > FERRY_ROWS_MAX)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "%u rows were requested, and an answer has at most %d; request fewer", n_rows,
                            FERRY_ROWS_MAX);
  return TRUE;
}

static gboolean
check_step (const FerryChainRequest *self, guint index, GError **error)
{
  const FerryStep *step = &self->steps[index];
  const FerryStep *before = index > 0 ? &self->steps[index - 1] : NULL;
  gboolean needs_name;

  if (step->kind >= FERRY_N_STEPS)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "There is no operation of kind %u; use the same version of Ferry at both ends", step->kind);
  needs_name = rules[step->kind].named && step->kind != FERRY_STEP_SUPER;
  if (strlen (step->name) > FERRY_MEMBER_NAME_MAX || (needs_name && step->name[0] == '\0'))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "A name must have 1 to %d bytes, and that of operation %u has %" G_GSIZE_FORMAT,
                            FERRY_MEMBER_NAME_MAX, index + 1, strlen (step->name));
  if (before != NULL && !rules[before->kind].goes_on)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "Operation %u has no result for the next operation; make it the last of its chain", index);
  if (before != NULL && before->kind == FERRY_STEP_SUPER && step->kind != FERRY_STEP_CALL)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "'super' is for methods only; add a call after it");
  return check_argument (step, self->held != NULL, error);
}

gboolean
ferry_chain_request_check (const FerryChainRequest *self, GError **error)
{
  if (strlen (self->root.name) > FERRY_MEMBER_NAME_MAX)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "The name of the chain's object is too long; use at most %d bytes", FERRY_MEMBER_NAME_MAX);
  if (self->n_steps > FERRY_MAX_STEPS)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "The chain has %u operations, and a chain has at most %d; make several chains",
                            self->n_steps, FERRY_MAX_STEPS);
  for (guint i = 0; i < self->n_steps; i++)
    if (!check_step (self, i, error))
      return FALSE;
  if (self->n_steps > 0 && self->steps[self->n_steps - 1].kind == FERRY_STEP_SUPER)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "No call follows 'super'; add one");
  return TRUE;
}

/* ---- steps as an application has them ---- */

static gboolean
find_kind (const char *word, FerryStepKind *kind)
{
  for (*kind = 0; *kind < FERRY_N_STEPS; ++*kind)
    if (g_strcmp0 (rules[*kind].word, word) == 0)
      return TRUE;
  return FALSE;
}

/* Sets the step's argument, which is from the operand at that index on. */
static gboolean
take_operands (FerryStep *step, GVariant *operation, gsize index, GError **error)
{
  const gsize n = g_variant_n_children (operation) - index;
  g_autoptr (GVariant) key = NULL;
  g_autoptr (GVariant) value = NULL;

  if (n == 1 && step->kind != FERRY_STEP_SET_ITEM)
    step->argument = g_variant_get_child_value (operation, index);
  else if (n == 2 && step->kind == FERRY_STEP_SET_ITEM)
    {
      key = g_variant_get_child_value (operation, index);
      value = g_variant_get_child_value (operation, index + 1);
      step->argument = g_variant_ref_sink (g_variant_new ("(vv)", key, value));
    }
  else if (n != 0)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "The operation '%s' has %" G_GSIZE_FORMAT " values; look up how many it takes",
                            rules[step->kind].word, n);
  return TRUE;
}

/* Adds the step for an operation. */
static gboolean
take_operation (FerrySteps *self, GVariant *operation, GError **error)
{
  FerryStep *step = &self->steps[self->n];
  g_autoptr (GVariant) word = NULL;
  FerryStepKind kind = FERRY_N_STEPS;
  gsize index = 1;

  if (g_variant_is_of_type (operation, G_VARIANT_TYPE_TUPLE) && g_variant_n_children (operation) > 0)
    word = g_variant_get_child_value (operation, 0);
  if (word == NULL || !g_variant_is_of_type (word, G_VARIANT_TYPE_STRING) ||
      !find_kind (g_variant_get_string (word, NULL), &kind))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "Step %u is no operation; make it a tuple that begins with a name such as 'call'",
                            self->n + 1);
  *step = (FerryStep){.kind = (guint8) kind, .name = ""};
  self->names[self->n++] = NULL;
  if (rules[kind].named && g_variant_n_children (operation) > 1)
    {
      GVariant *name = self->names[self->n - 1] = g_variant_get_child_value (operation, index++);

      if (!g_variant_is_of_type (name, G_VARIANT_TYPE_STRING))
        return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                                "A name is to follow '%s' in step %u, and is of type '%s'; put a string there",
                                rules[kind].word, self->n, g_variant_get_type_string (name));
      step->name = g_variant_get_string (name, NULL);
    }
  return take_operands (step, operation, index, error);
}

gboolean
ferry_steps_take (FerrySteps *self, GVariant *operations, GError **error)
{
  const gsize n = operations != NULL && g_variant_is_container (operations) ? g_variant_n_children (operations) : 0;

  self->n = 0;
  if (operations != NULL && !g_variant_is_of_type (operations, G_VARIANT_TYPE_TUPLE) &&
      !g_variant_is_of_type (operations, G_VARIANT_TYPE_ARRAY))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "The steps have the type '%s'; make them a tuple or an array of operations",
                            g_variant_get_type_string (operations));
  if (n > FERRY_MAX_STEPS)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "The chain has %" G_GSIZE_FORMAT
                            " operations, and a chain has at most %d; make several chains",
                            n, FERRY_MAX_STEPS);
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) operation = g_variant_get_child_value (operations, i);

      if (!take_operation (self, operation, error))
        return FALSE;
    }
  return TRUE;
}

void
ferry_steps_clear (FerrySteps *self)
{
  for (; self->n > 0; self->n--)
    {
      g_clear_pointer (&self->steps[self->n - 1].argument, g_variant_unref);
      g_clear_pointer (&self->names[self->n - 1], g_variant_unref);
    }
}

/* ---- requests ---- */

typedef struct
{
  guint64 generation;
  guint64 number;
  guint32 n_steps;
  guint16 name_length;
  guint8 as_proxy;
  guint8 zero;
} RequestHeader;

typedef struct
{
  guint64 size; /* size of the argument, in bytes */
  guint32 type_length;
  guint16 name_length;
  guint8 kind;
  guint8 zero;
} StepHeader;

G_STATIC_ASSERT (sizeof (RequestHeader) == 24);
G_STATIC_ASSERT (sizeof (StepHeader) == 16);

static void
measure (GVariant *value, guint32 *type_length, guint64 *size)
{
  if (value == NULL)
    return;
  *type_length = (guint32) strlen (g_variant_get_type_string (value));
  *size = g_variant_get_size (value);
}

static gsize
pack_step (const FerryStep *step, guint8 *packed, gsize at)
{
  gsize length = strlen (step->name);
  StepHeader header = {.name_length = (guint16) length, .kind = step->kind};

  measure (step->argument, &header.type_length, &header.size);
  at = ferry_pack_bytes (packed, at, &header, sizeof header);
  at = ferry_pack_string (packed, at, step->name, length);
  return step->argument != NULL ? ferry_pack_value (packed, at, step->argument) : at;
}

/* Packs a request. Returns its size in bytes. packed: (nullable): if NULL, only the size is computed. */
static gsize
pack_request (const FerryChainRequest *self, guint8 *packed)
{
  gsize length = strlen (self->root.name);
  const RequestHeader header = {
    .generation = self->root.generation,
    .number = self->root.number,
    .n_steps = self->n_steps,
    .name_length = (guint16) length,
    .as_proxy = self->as_proxy != FALSE,
  };
  gsize at = ferry_pack_bytes (packed, 0, &header, sizeof header);

  at = ferry_pack_string (packed, at, self->root.name, length);
  for (guint i = 0; i < self->n_steps; i++)
    at = pack_step (&self->steps[i], packed, at);
  return at;
}

guint8 *
ferry_chain_request_pack (const FerryChainRequest *self, guint8 *place, gsize room, gsize *size)
{
  guint8 *packed = place;

  *size = pack_request (self, NULL);
  if (*size > room)
    packed = g_malloc (*size);
  pack_request (self, packed);
  return packed;
}

static gboolean
unpack_step (FerryStep *step, FerryUnpacking *unpacking)
{
  StepHeader header;

  if (!ferry_unpack_bytes (unpacking, &header, sizeof header) || header.zero != 0 ||
      (header.type_length == 0 && header.size != 0))
    return FALSE;
  step->kind = header.kind;
  step->name = ferry_unpack_string (unpacking, header.name_length);
  if (step->name != NULL && header.type_length > 0)
    step->argument = ferry_unpack_value (unpacking, header.type_length, header.size);
  return step->name != NULL && (step->argument != NULL) == (header.type_length > 0);
}

/* Unpacks the n_steps steps that the header announces. On failure, self has the steps that could be unpacked. */
static gboolean
unpack_steps (FerryChainRequest *self, FerryUnpacking *unpacking, guint n_steps)
{
  self->steps = g_new0 (FerryStep, n_steps);
  for (; self->n_steps < n_steps; self->n_steps++)
    if (!unpack_step (&self->steps[self->n_steps], unpacking))
      return FALSE;
  return ferry_unpack_end (unpacking);
}

static gboolean
unpack_root (FerryChainRequest *self, FerryUnpacking *unpacking, guint *n_steps)
{
  RequestHeader header;

  if (!ferry_unpack_bytes (unpacking, &header, sizeof header) || header.as_proxy > 1 || header.zero != 0)
    return FALSE;
  self->root = (FerryObjectRoot){ferry_unpack_string (unpacking, header.name_length), header.generation, header.number};
  self->as_proxy = header.as_proxy;
  *n_steps = header.n_steps;
  return self->root.name != NULL;
}

/* Sets an error that names the part of the request that could not be unpacked. */
static void
set_malformed (const FerryChainRequest *self, guint n_steps, FerryValueVerdict verdict, GError **error)
{
  const char *fault = ferry_value_verdict_to_fault (verdict);

  if (self->root.name == NULL)
    ferry_set_error (
      error, FERRY_ERROR_BAD_ARGUMENTS,
      "The request is not a chain: its object and number of operations cannot be read; use the same version "
      "of Ferry at both ends");
  else if (self->n_steps < n_steps && fault != NULL)
    ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                     "Operation %u of %u of a chain shows an error in the program at the other end: %s",
                     self->n_steps + 1, n_steps, fault);
  else if (self->n_steps < n_steps)
    ferry_set_error (
      error, FERRY_ERROR_BAD_ARGUMENTS,
      "The request is not a chain: operation %u of %u cannot be read; use the same version of Ferry at both ends",
      self->n_steps + 1, n_steps);
  else
    ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                     "The request is not a chain: data follows the last of its %u operations; use the same version of "
                     "Ferry at both ends",
                     n_steps);
}

gboolean
ferry_chain_request_take (FerryChainRequest *self, GBytes *packed, FerryValueVerdict verdict, GError **error)
{
  FerryUnpacking unpacking;
  guint n_steps = 0;
  gboolean unpacked;

  *self = (FerryChainRequest){0};
  unpacked = ferry_unpack_begin (&unpacking, packed, verdict) && unpack_root (self, &unpacking, &n_steps);
  if (unpacked && n_steps > FERRY_MAX_STEPS)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "The chain has %u operations, and a chain has at most %d; make several chains", n_steps,
                            FERRY_MAX_STEPS);
  unpacked = unpacked && unpack_steps (self, &unpacking, n_steps);
  if (unpacked)
    self->held = g_bytes_ref (packed);
  if (!unpacked)
    set_malformed (self, n_steps, unpacking.verdict, error);
  else if (ferry_chain_request_check (self, error))
    return TRUE;
  ferry_chain_request_clear (self);
  return FALSE;
}

void
ferry_chain_request_clear (FerryChainRequest *self)
{
  for (guint i = 0; i < self->n_steps; i++)
    g_clear_pointer (&self->steps[i].argument, g_variant_unref);
  g_clear_pointer (&self->steps, g_free);
  self->n_steps = 0;
  g_clear_pointer (&self->held, g_bytes_unref);
}

/* Returns (transfer full) the step's argument as text; for calls in brackets. */
static char *
show_argument (const FerryStep *step)
{
  if (step->kind == FERRY_STEP_CALL || step->kind == FERRY_STEP_PASS)
    return ferry_show_arguments (step->argument);
  return step->argument != NULL ? ferry_show_value (step->argument) : g_strdup ("");
}

/* Returns (transfer full) a part of the step's argument as text. index: 0 for the key of FERRY_STEP_SET_ITEM, 1 for
 * its value. */
static char *
show_item (const FerryStep *step, gsize index)
{
  g_autoptr (GVariant) item = NULL;

  g_variant_get_child (step->argument, index, "v", &item);
  return ferry_show_value (item);
}

static void
append_step (GString *text, const FerryStep *step)
{
  for (const char *place = rules[step->kind].text; *place != '\0'; place++)
    {
      g_autofree char *shown = *place == 'A'   ? show_argument (step)
                               : *place == 'K' ? show_item (step, 0)
                               : *place == 'V' ? show_item (step, 1)
                                               : NULL;

      if (shown != NULL || *place == 'N')
        g_string_append (text, shown != NULL ? shown : step->name);
      else
        g_string_append_c (text, *place);
    }
}

char *
ferry_chain_request_to_string (const FerryChainRequest *self, guint n_steps)
{
  GString *text = g_string_new (self->root.generation == 0 ? self->root.name : NULL);

  if (self->root.generation != 0)
    g_string_append_printf (text, "%s#%" G_GUINT64_FORMAT, self->root.name, self->root.number);
  for (guint i = 0; i < MIN (n_steps, self->n_steps); i++)
    append_step (text, &self->steps[i]);
  return g_string_free (text, FALSE);
}

/* ---- results ---- */

typedef struct
{
  guint64 generation;
  guint64 number;
  guint64 size; /* size of the value, in bytes */
  guint32 type_length;
  guint16 name_length;
  guint16 interface_length;
} ResultHeader;

G_STATIC_ASSERT (sizeof (ResultHeader) == 32);

static gsize
length_of (const char *string)
{
  return string != NULL ? strlen (string) : 0;
}

static gsize
pack_result (const FerryChainResult *self, guint8 *packed)
{
  ResultHeader header = {
    .generation = self->generation,
    .number = self->number,
    .name_length = (guint16) length_of (self->name),
    .interface_length = (guint16) length_of (self->interface),
  };
  gsize at;

  measure (self->value, &header.type_length, &header.size);
  at = ferry_pack_bytes (packed, 0, &header, sizeof header);
  at = ferry_pack_string (packed, at, self->name, header.name_length);
  at = ferry_pack_string (packed, at, self->interface, header.interface_length);
  return self->value != NULL ? ferry_pack_value (packed, at, self->value) : at;
}

guint8 *
ferry_chain_result_pack (const FerryChainResult *self, guint8 *place, gsize room, gsize *size)
{
  guint8 *packed = place;

  *size = pack_result (self, NULL);
  if (*size > room)
    packed = g_malloc (*size);
  pack_result (self, packed);
  return packed;
}

static const char *
none_if_empty (const char *name)
{
  return name[0] != '\0' ? name : NULL;
}

/* Fills self from a message. Also on failure, self owns the value if it could be unpacked. */
static gboolean
unpack_result (FerryChainResult *self, FerryUnpacking *unpacking)
{
  ResultHeader header;
  const char *name;
  const char *interface;

  if (!ferry_unpack_bytes (unpacking, &header, sizeof header) || header.name_length > FERRY_MEMBER_NAME_MAX ||
      header.interface_length > FERRY_MEMBER_NAME_MAX || (header.type_length == 0 && header.size != 0) ||
      (header.type_length > 0 && header.generation != 0))
    return FALSE;
  name = ferry_unpack_string (unpacking, header.name_length);
  interface = name != NULL ? ferry_unpack_string (unpacking, header.interface_length) : NULL;
  if (interface == NULL)
    return FALSE;
  self->generation = header.generation;
  self->number = header.number;
  self->name = none_if_empty (name);
  self->interface = none_if_empty (interface);
  if (header.type_length > 0)
    self->value = ferry_unpack_value (unpacking, header.type_length, header.size);
  return (self->value != NULL) == (header.type_length > 0) && ferry_unpack_end (unpacking);
}

gboolean
ferry_chain_result_take (FerryChainResult *self, GBytes *packed, FerryValueVerdict verdict, GError **error)
{
  FerryUnpacking unpacking;
  const char *fault;

  *self = (FerryChainResult){0};
  if (ferry_unpack_begin (&unpacking, packed, verdict) && unpack_result (self, &unpacking))
    {
      self->held = g_bytes_ref (packed);
      return TRUE;
    }
  ferry_chain_result_clear (self);
  fault = ferry_value_verdict_to_fault (unpacking.verdict);
  if (fault != NULL)
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                            "The answer to a chain shows an error in the program at the other end: %s", fault);
  return ferry_set_error (
    error, FERRY_ERROR_PROTOCOL,
    "The other end answered a chain with something else than a result; use the same version of Ferry at both ends");
}

void
ferry_chain_result_clear (FerryChainResult *self)
{
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_pointer (&self->held, g_bytes_unref);
}

/* ---- checking ---- */

/* Notes the verdict on one more value: the first one that breaks a rule counts. */
static void
add_verdict (FerryValueVerdict *all, FerryValueVerdict verdict)
{
  if (*all < FERRY_VALUE_NOT_NORMAL && verdict != FERRY_VALUE_UNJUDGED)
    *all = verdict;
}

/* What a look at the values of a packed message does with each. */
typedef struct
{
  FerryUnpacking unpacking;
  gboolean judges; /* checks it; else says whether it is to be checked */
  gboolean is_checked;
  FerryValueVerdict verdict;
} Look;

static gboolean
look_at_value (Look *self, gsize type_length, gsize size)
{
  if (!self->judges)
    return ferry_unpack_skip_value (&self->unpacking, type_length, size, &self->is_checked);
  add_verdict (&self->verdict, ferry_unpack_judge (&self->unpacking, type_length, size));
  return TRUE;
}

static gboolean
look_at_step (Look *self)
{
  StepHeader header;

  return ferry_unpack_bytes (&self->unpacking, &header, sizeof header) &&
         ferry_unpack_skip_string (&self->unpacking, header.name_length) &&
         (header.type_length == 0 || look_at_value (self, header.type_length, header.size));
}

static void
look_at_request (Look *self)
{
  RequestHeader header;
  gboolean goes_on = ferry_unpack_bytes (&self->unpacking, &header, sizeof header) &&
                     header.n_steps <= FERRY_MAX_STEPS &&
                     ferry_unpack_skip_string (&self->unpacking, header.name_length);

  for (guint i = 0; goes_on && i < header.n_steps; i++)
    goes_on = look_at_step (self);
}

static void
look_at_result (Look *self)
{
  ResultHeader header;

  if (ferry_unpack_bytes (&self->unpacking, &header, sizeof header) && header.type_length > 0 &&
      ferry_unpack_skip_string (&self->unpacking, header.name_length) &&
      ferry_unpack_skip_string (&self->unpacking, header.interface_length))
    look_at_value (self, header.type_length, header.size);
}

/* Looks at all values up to the place at which an unpacking fails, if it does. */
static void
look (Look *self, gboolean is_request, gconstpointer data, gsize size)
{
  ferry_unpack_begin_look (&self->unpacking, data, size);
  if (is_request)
    look_at_request (self);
  else
    look_at_result (self);
}

gboolean
ferry_chain_seems_checked (gboolean is_request, gconstpointer data, gsize size)
{
  Look self = {.judges = FALSE};

  look (&self, is_request, data, size);
  return self.is_checked;
}

FerryValueVerdict
ferry_chain_judge (gboolean is_request, gconstpointer data, gsize size)
{
  Look self = {.judges = TRUE};

  look (&self, is_request, data, size);
  return self.verdict;
}

/* ---- following ---- */

GVariant *
ferry_follow_request_to_variant (const FerryObjectRoot *root, const char *const *properties, const char *const *signals,
                                 gboolean list)
{
  static const char *const none[] = {NULL};

  return g_variant_new ("(stt^as^asb)", root->name, root->generation, root->number,
                        properties != NULL ? properties : none, signals != NULL ? signals : none, list);
}

gboolean
ferry_follow_request_take (FerryFollowRequest *self, GVariant *arguments, GError **error)
{
  *self = (FerryFollowRequest){0};
  if (arguments == NULL || !g_variant_is_of_type (arguments, G_VARIANT_TYPE (FOLLOW_TYPE)))
    return ferry_set_error (
      error, FERRY_ERROR_BAD_ARGUMENTS,
      "A request to follow an object must have the type '%s', not '%s'; use the same version of Ferry at both ends",
      FOLLOW_TYPE, arguments != NULL ? g_variant_get_type_string (arguments) : "()");
  g_variant_get (arguments, "(&stt@as@asb)", &self->root.name, &self->root.generation, &self->root.number,
                 &self->properties, &self->signals, &self->list);
  if (g_variant_n_children (self->properties) <= FERRY_FOLLOW_MAX_NAMES &&
      g_variant_n_children (self->signals) <= FERRY_FOLLOW_MAX_NAMES)
    return TRUE;
  ferry_follow_request_clear (self);
  return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                          "More than %d properties or signals were requested at a time; follow fewer of the object",
                          FERRY_FOLLOW_MAX_NAMES);
}

void
ferry_follow_request_clear (FerryFollowRequest *self)
{
  g_clear_pointer (&self->properties, g_variant_unref);
  g_clear_pointer (&self->signals, g_variant_unref);
}

/* ---- errors ---- */

gboolean
ferry_error_says_nobody_listens (const GError *error)
{
  return g_error_matches (error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING) ||
         g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED) ||
         g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
}

/* Sets the code of an error of FERRY_ERROR. Sets its trace again: the trace is found by the error's code too. */
static void
set_code (GError *error, int code)
{
  g_autofree char *trace = ferry_error_dup_trace (error, 0);

  error->code = code;
  if (trace != NULL)
    ferry_error_set_trace (error, trace);
}

void
ferry_error_mark_raised (GError *error)
{
  if (ferry_error_says_nobody_listens (error) || g_error_matches (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION))
    set_code (error, error->code + FERRY_RAISED_CODE);
}

gboolean
ferry_error_take_raised (GError *error)
{
  if (error->domain != FERRY_ERROR || error->code < FERRY_RAISED_CODE)
    return FALSE;
  set_code (error, error->code - FERRY_RAISED_CODE);
  return TRUE;
}
