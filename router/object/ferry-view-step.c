/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "object/ferry-view-step-private.h"

#include "base/ferry-error.h"
#include "call/ferry-variant-item-private.h"

static gboolean
fail_unknown (FerryExported *exported, const char *what, GError **error)
{
  g_autofree char *label = ferry_exported_dup_label (exported);

  g_set_error (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER, "“%s” is not exported with %s", label, what);
  return FALSE;
}

/* ---- properties ---- */

/* The value may be newer than the count of changes, and then its change comes as well; never older. */
static gboolean
set_property (FerryExported *exported, const FerryStep *step, GVariant **value, GError **error)
{
  const FerryMember *member = ferry_interface_find (exported->interface, FERRY_MEMBER_PROPERTY, step->name, error);
  g_autoptr (GVariant) now = NULL;
  guint64 n_changes;

  if (member == NULL || !ferry_member_set (member, exported->object, step->argument, error))
    return FALSE;
  n_changes = atomic_load (&exported->n_changes);
  if ((member->access & G_DBUS_PROPERTY_INFO_FLAGS_READABLE) == 0 ||
      !ferry_member_get (member, exported->object, &now, NULL, NULL))
    now = step->argument != NULL ? g_variant_ref (step->argument) : g_variant_ref_sink (g_variant_new_tuple (NULL, 0));
  *value = g_variant_ref_sink (g_variant_new ("(tv)", n_changes, now));
  return TRUE;
}

static gboolean
get_property (FerryExported *exported, const FerryStep *step, GVariant **value, GObject **object, GError **error)
{
  const FerryMember *member = ferry_interface_find (exported->interface, FERRY_MEMBER_PROPERTY, step->name, error);

  return member != NULL && ferry_member_get (member, exported->object, value, object, error);
}

/* ---- items ---- */

static gboolean
get_item (FerryExported *exported, const FerryContainerFuncs *funcs, gpointer data, const FerryStep *step,
          GVariant **value, GObject **object, GError **error)
{
  if (funcs->get_item == NULL)
    return fail_unknown (exported, "items that can be read", error);
  return funcs->get_item (exported->object, step->argument, value, object, data, error);
}

static gboolean
set_item (FerryExported *exported, const FerryContainerFuncs *funcs, gpointer data, const FerryStep *step,
          GError **error)
{
  g_autoptr (GVariant) key = NULL;
  g_autoptr (GVariant) value = NULL;

  if (funcs->set_item == NULL)
    return fail_unknown (exported, "items that can be set", error);
  g_variant_get (step->argument, "(vv)", &key, &value);
  return funcs->set_item (exported->object, key, value, data, error);
}

static gboolean
delete_item (FerryExported *exported, const FerryContainerFuncs *funcs, gpointer data, const FerryStep *step,
             GError **error)
{
  if (funcs->delete_item == NULL)
    return fail_unknown (exported, "items that can be deleted", error);
  return funcs->delete_item (exported->object, step->argument, data, error);
}

static gboolean
look_for_item (FerryExported *exported, const FerryContainerFuncs *funcs, gpointer data, const FerryStep *step,
               GVariant **value, GError **error)
{
  gboolean contains = FALSE;

  if (funcs->contains == NULL)
    return fail_unknown (exported, "items that can be looked for", error);
  if (!funcs->contains (exported->object, step->argument, &contains, data, error))
    return FALSE;
  *value = g_variant_ref_sink (g_variant_new_boolean (contains));
  return TRUE;
}

static gboolean
get_length (FerryExported *exported, const FerryContainerFuncs *funcs, gpointer data, GVariant **value, GError **error)
{
  guint64 length = 0;

  if (funcs->get_length == NULL)
    return fail_unknown (exported, "items that can be counted", error);
  if (!funcs->get_length (exported->object, &length, data, error))
    return FALSE;
  *value = g_variant_ref_sink (g_variant_new_uint64 (length));
  return TRUE;
}

static gboolean
get_rows (FerryExported *exported, const FerryStep *step, GVariant **value, GError **error)
{
  GListModel *list = G_LIST_MODEL (exported->object);
  guint n = g_list_model_get_n_items (list);
  GVariantBuilder rows;
  guint64 position;
  guint32 wanted;

  if (!ferry_interface_is_list (exported->interface))
    return fail_unknown (exported, "rows", error);
  g_variant_get (step->argument, "(tu)", &position, &wanted);
  g_variant_builder_init (&rows, G_VARIANT_TYPE ("av"));
  for (guint64 i = position; i < n && i - position < wanted; i++)
    {
      g_autoptr (GObject) item = g_list_model_get_item (list, (guint) i);
      g_autoptr (GVariant) row = ferry_interface_make_row (exported->interface, item);

      g_variant_builder_add (&rows, "v", row);
    }
  *value = g_variant_ref_sink (
    g_variant_new ("(tt@av)", ferry_exported_get_revision (exported), (guint64) n, g_variant_builder_end (&rows)));
  return TRUE;
}

static gboolean
step_on_container (FerryExported *exported, const FerryStep *step, GVariant **value, GObject **object, GError **error)
{
  gpointer data = NULL;
  const FerryContainerFuncs *funcs = ferry_interface_get_container (exported->interface, &data);

  if (funcs == NULL)
    return fail_unknown (exported, "items", error);
  switch (step->kind)
    {
    case FERRY_STEP_GET_ITEM:
      return get_item (exported, funcs, data, step, value, object, error);
    case FERRY_STEP_SET_ITEM:
      return set_item (exported, funcs, data, step, error);
    case FERRY_STEP_DELETE_ITEM:
      return delete_item (exported, funcs, data, step, error);
    case FERRY_STEP_CONTAINS:
      return look_for_item (exported, funcs, data, step, value, error);
    case FERRY_STEP_LENGTH:
      return get_length (exported, funcs, data, value, error);
    default:
      return get_rows (exported, step, value, error);
    }
}

gboolean
ferry_view_step_on_object (FerryExported *exported, const FerryStep *step, GVariant **value, GObject **object,
                           GError **error)
{
  switch (step->kind)
    {
    case FERRY_STEP_GET:
      return get_property (exported, step, value, object, error);
    case FERRY_STEP_SET:
    case FERRY_STEP_DELETE:
      return set_property (exported, step, value, error);
    default:
      return step_on_container (exported, step, value, object, error);
    }
}

gboolean
ferry_view_step_on_value (GVariant *value, const FerryStep *step, GVariant **result, GError **error)
{
  gboolean contains = FALSE;
  guint64 length = 0;

  if (value == NULL)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                           "The operation before gave nothing that another one could be done on");
      return FALSE;
    }
  switch (step->kind)
    {
    case FERRY_STEP_GET_ITEM:
      *result = ferry_variant_get_item (value, step->argument, error);
      return *result != NULL;
    case FERRY_STEP_CONTAINS:
      if (!ferry_variant_contains (value, step->argument, &contains, error))
        return FALSE;
      *result = g_variant_ref_sink (g_variant_new_boolean (contains));
      return TRUE;
    case FERRY_STEP_LENGTH:
      if (!ferry_variant_get_length (value, &length, error))
        return FALSE;
      *result = g_variant_ref_sink (g_variant_new_uint64 (length));
      return TRUE;
    default:
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER,
                   "A value of type “%s” has neither properties nor methods, only items and a length",
                   g_variant_get_type_string (value));
      return FALSE;
    }
}

/* ---- methods ---- */

gboolean
ferry_view_step_check_arguments (const FerryMember *member, GVariant *arguments, GError **error)
{
  g_autofree char *expected = NULL;

  if (arguments != NULL ? g_variant_is_of_type (arguments, member->in_type)
                        : g_variant_type_n_items (member->in_type) == 0)
    return TRUE;
  expected = g_variant_type_dup_string (member->in_type);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS, "“%s” takes “%s”, and not “%s”", member->name, expected,
               arguments != NULL ? g_variant_get_type_string (arguments) : "()");
  return FALSE;
}

gboolean
ferry_view_step_unpack (const FerryMember *member, GVariant *answer, GVariant **value, GError **error)
{
  const GVariantType *type = member != NULL ? member->out_type : NULL;
  gsize n = type != NULL ? g_variant_type_n_items (type) : 0;
  gboolean is_whole = type != NULL && answer != NULL && g_variant_is_of_type (answer, type);
  g_autofree char *expected = NULL;

  *value = NULL;
  if (n == 0 && type != NULL && (answer == NULL || is_whole))
    return TRUE;
  if (is_whole && n == 1)
    *value = g_variant_get_child_value (answer, 0);
  else if (is_whole || (n == 1 && answer != NULL && g_variant_is_of_type (answer, g_variant_type_first (type))))
    *value = g_variant_ref (answer);
  else if (type == NULL)
    *value = answer != NULL ? g_variant_ref (answer) : NULL;
  if (*value != NULL || type == NULL)
    return TRUE;
  expected = g_variant_type_dup_string (type);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_RESULT, "“%s” gave a value of type “%s”, and should give “%s”",
               member->name, answer != NULL ? g_variant_get_type_string (answer) : "()", expected);
  return FALSE;
}
