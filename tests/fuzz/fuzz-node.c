/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "fuzz-node.h"

typedef struct
{
  GObjectClass parent_class;
  void (*add) (gpointer node, FerryInvocation *invocation, gpointer user_data);
} FuzzNodeClass;

typedef FuzzNode FuzzLeaf;
typedef FuzzNodeClass FuzzLeafClass;

G_DEFINE_TYPE (FuzzNode, fuzz_node, G_TYPE_OBJECT)
G_DEFINE_FINAL_TYPE (FuzzLeaf, fuzz_leaf, fuzz_node_get_type ())

enum
{
  PROP_VALUE = 1,
  PROP_LABEL,
  PROP_NEXT,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];
static guint told;
static guint n_nodes;
static GQueue held; /* (element-type FerryInvocation) (owned) */

static void
fuzz_node_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FuzzNode *self = (FuzzNode *) object;

  if (id == PROP_VALUE)
    g_value_set_int (value, self->value);
  else if (id == PROP_LABEL)
    g_value_set_string (value, self->label);
  else
    g_value_set_object (value, self->next);
}

static void
fuzz_node_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FuzzNode *self = (FuzzNode *) object;

  if (id == PROP_VALUE)
    {
      self->value = g_value_get_int (value);
      g_assert_true (self->value >= 0 && self->value <= 100);
      return;
    }
  g_free (self->label);
  self->label = g_value_dup_string (value);
  g_assert_true (self->label == NULL || g_utf8_validate (self->label, -1, NULL));
}

static void
fuzz_node_finalize (GObject *object)
{
  g_clear_object (&((FuzzNode *) object)->next);
  g_free (((FuzzNode *) object)->label);
  n_nodes--;
  G_OBJECT_CLASS (fuzz_node_parent_class)->finalize (object);
}

static void
node_add (gpointer node, FerryInvocation *invocation, gpointer user_data)
{
  g_assert_true (g_variant_is_of_type (ferry_invocation_get_arguments (invocation), G_VARIANT_TYPE ("(i)")));
  ferry_invocation_return_value (invocation, g_variant_new ("(i)", ((FuzzNode *) node)->value));
}

static void
fuzz_node_class_init (FuzzNodeClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = fuzz_node_get_property;
  object_class->set_property = fuzz_node_set_property;
  object_class->finalize = fuzz_node_finalize;
  klass->add = node_add;
  properties[PROP_VALUE] = g_param_spec_int ("value", NULL, NULL, 0, 100, 1, G_PARAM_READWRITE);
  properties[PROP_LABEL] = g_param_spec_string ("label", NULL, NULL, NULL, G_PARAM_READWRITE);
  properties[PROP_NEXT] = g_param_spec_object ("next", NULL, NULL, fuzz_node_get_type (), G_PARAM_READABLE);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
  told =
    g_signal_new ("told", fuzz_node_get_type (), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_INT);
}

static void
fuzz_node_init (FuzzNode *self)
{
  n_nodes++;
}

static void
fuzz_leaf_class_init (FuzzLeafClass *klass)
{
}

static void
fuzz_leaf_init (FuzzLeaf *self)
{
}

guint
fuzz_node_count (void)
{
  return n_nodes;
}

/* ---- methods ---- */

void
fuzz_node_give_self (gpointer node, FerryInvocation *invocation, gpointer user_data)
{
  ferry_invocation_return_object (invocation, node);
}

static void
make (gpointer node, FerryInvocation *invocation, gpointer user_data)
{
  g_autoptr (GObject) made = g_object_new (fuzz_leaf_get_type (), NULL);

  ferry_invocation_return_object (invocation, made);
}

static void
echo (gpointer node, FerryInvocation *invocation, gpointer user_data)
{
  ferry_invocation_return_value (invocation, ferry_invocation_get_arguments (invocation));
}

gboolean
fuzz_node_let_go (void)
{
  g_autoptr (FerryInvocation) invocation = g_queue_pop_head (&held);

  if (invocation != NULL)
    ferry_invocation_return_object (invocation, ferry_invocation_get_object (invocation));
  return invocation != NULL;
}

void
fuzz_node_hold (gpointer node, FerryInvocation *invocation, gpointer user_data)
{
  g_queue_push_tail (&held, ferry_invocation_ref (invocation));
}

static void
drop (gpointer node, FerryInvocation *invocation, gpointer user_data)
{
}

static void
give_stranger (gpointer node, FerryInvocation *invocation, gpointer user_data)
{
  g_autoptr (GCancellable) stranger = g_cancellable_new ();

  ferry_invocation_return_object (invocation, G_OBJECT (stranger));
}

FerryInterface *
fuzz_node_create_interface (void)
{
  FerryInterface *self = ferry_interface_new ("fuzz.Node", fuzz_node_get_type ());

  ferry_interface_add_method (self, "self", "", "o", fuzz_node_give_self, NULL, NULL);
  ferry_interface_add_method (self, "make", "", "o", make, NULL, NULL);
  ferry_interface_add_method (self, "echo", "v", "v", echo, NULL, NULL);
  ferry_interface_add_method (self, "hold", "", "o", fuzz_node_hold, NULL, NULL);
  ferry_interface_add_method (self, "drop", "", "", drop, NULL, NULL);
  ferry_interface_add_method (self, "stranger", "", "o", give_stranger, NULL, NULL);
  ferry_interface_add_class_method (self, "add", "i", "i", G_STRUCT_OFFSET (FuzzNodeClass, add));
  ferry_interface_add_property (self, "value",
                                G_DBUS_PROPERTY_INFO_FLAGS_READABLE | G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE);
  ferry_interface_add_property (self, "label",
                                G_DBUS_PROPERTY_INFO_FLAGS_READABLE | G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE);
  ferry_interface_add_property (self, "next", G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
  ferry_interface_add_signal (self, "told");
  return self;
}

GVariant *
fuzz_node_get_row (GObject *item, gpointer user_data, GError **error)
{
  return g_variant_new_int32 (((FuzzNode *) item)->value);
}

GObject *
fuzz_node_make_item (GVariant *value, gpointer user_data, GError **error)
{
  return g_object_new (fuzz_node_get_type (), NULL);
}
