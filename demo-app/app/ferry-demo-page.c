/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "app/ferry-demo-page.h"

typedef struct
{
  FerryDemoSession *session;
  guint turn_timeout; /* 0 while the page is hidden */
  char *source;
  GtkFileChooserNative *folder_chooser; /* NULL while no folder is asked for */
  GtkWidget *box;
  GtkWidget *sentence_label;
  GtkWidget *break_button;
  GtkWidget *info_bar;
  GtkWidget *info_label;
  GtkWidget *again_button;
} FerryDemoPagePrivate;

enum
{
  PROP_SENTENCE = 1,
  PROP_TRIAL,
  PROP_SOURCE,
  PROP_CONTENT,
  N_PROPS
};

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (FerryDemoPage, ferry_demo_page, GTK_TYPE_WIDGET)

#define GET_PRIVATE(self) ((FerryDemoPagePrivate *) ferry_demo_page_get_instance_private (self))

static void
try_to_break (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ferry_demo_page_try_to_break (FERRY_DEMO_PAGE (widget));
}

static void
try_again (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ferry_demo_page_tell (FERRY_DEMO_PAGE (widget), GTK_MESSAGE_INFO, NULL);
  FERRY_DEMO_PAGE_GET_CLASS (widget)->try_again (FERRY_DEMO_PAGE (widget));
}

static void
close_info_cb (GtkInfoBar *info_bar)
{
  gtk_info_bar_set_revealed (info_bar, FALSE);
}

gboolean
ferry_demo_page_close_bar (FerryDemoPage *self)
{
  GtkInfoBar *info_bar = GTK_INFO_BAR (GET_PRIVATE (self)->info_bar);
  gboolean closes = gtk_info_bar_get_revealed (info_bar) && gtk_info_bar_get_show_close_button (info_bar);

  if (closes)
    close_info_cb (info_bar);
  return closes;
}

static void
ferry_demo_page_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FerryDemoPagePrivate *priv = GET_PRIVATE (FERRY_DEMO_PAGE (object));

  switch (id)
    {
    case PROP_SENTENCE:
      gtk_label_set_text (GTK_LABEL (priv->sentence_label), g_value_get_string (value));
      break;
    case PROP_TRIAL:
      gtk_widget_set_tooltip_text (priv->break_button, g_value_get_string (value));
      break;
    case PROP_SOURCE:
      priv->source = g_value_dup_string (value);
      break;
    case PROP_CONTENT:
      gtk_box_append (GTK_BOX (priv->box), g_value_get_object (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
    }
}

/* ---- work while the page is seen ---- */

static gboolean
turn_cb (gpointer page)
{
  FERRY_DEMO_PAGE_GET_CLASS (page)->turn (page);
  return G_SOURCE_CONTINUE;
}

static void
rest (FerryDemoPage *self)
{
  g_clear_handle_id (&GET_PRIVATE (self)->turn_timeout, g_source_remove);
  if (GET_PRIVATE (self)->session != NULL && FERRY_DEMO_PAGE_GET_CLASS (self)->rest != NULL)
    FERRY_DEMO_PAGE_GET_CLASS (self)->rest (self);
}

static void
ferry_demo_page_map (GtkWidget *widget)
{
  FerryDemoPageClass *klass = FERRY_DEMO_PAGE_GET_CLASS (widget);
  FerryDemoPagePrivate *priv = GET_PRIVATE (FERRY_DEMO_PAGE (widget));

  GTK_WIDGET_CLASS (ferry_demo_page_parent_class)->map (widget);
  if (priv->session == NULL || klass->turn == NULL)
    return;
  priv->turn_timeout = g_timeout_add (klass->turn_milliseconds, turn_cb, widget);
  klass->start (FERRY_DEMO_PAGE (widget));
}

static void
ferry_demo_page_unmap (GtkWidget *widget)
{
  rest (FERRY_DEMO_PAGE (widget));
  GTK_WIDGET_CLASS (ferry_demo_page_parent_class)->unmap (widget);
}

static void
ferry_demo_page_dispose (GObject *object)
{
  FerryDemoPagePrivate *priv = GET_PRIVATE (FERRY_DEMO_PAGE (object));

  g_clear_handle_id (&priv->turn_timeout, g_source_remove);
  g_clear_pointer (&priv->box, gtk_widget_unparent);
  g_clear_object (&priv->folder_chooser);
  g_clear_object (&priv->session);
  g_clear_pointer (&priv->source, g_free);
  G_OBJECT_CLASS (ferry_demo_page_parent_class)->dispose (object);
}

static void
ferry_demo_page_class_init (FerryDemoPageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  const GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS;
  GParamSpec *properties[N_PROPS] = {
    [PROP_SENTENCE] = g_param_spec_string ("sentence", NULL, NULL, NULL, flags),
    [PROP_TRIAL] = g_param_spec_string ("trial", NULL, NULL, NULL, flags),
    [PROP_SOURCE] = g_param_spec_string ("source", NULL, NULL, NULL, flags),
    [PROP_CONTENT] = g_param_spec_object ("content", NULL, NULL, GTK_TYPE_WIDGET, flags),
  };

  object_class->set_property = ferry_demo_page_set_property;
  object_class->dispose = ferry_demo_page_dispose;
  widget_class->map = ferry_demo_page_map;
  widget_class->unmap = ferry_demo_page_unmap;
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/ferryproject/Demo/ferry-demo-page.ui");
  gtk_widget_class_bind_template_child_private (widget_class, FerryDemoPage, box);
  gtk_widget_class_bind_template_child_private (widget_class, FerryDemoPage, sentence_label);
  gtk_widget_class_bind_template_child_private (widget_class, FerryDemoPage, break_button);
  gtk_widget_class_bind_template_child_private (widget_class, FerryDemoPage, info_bar);
  gtk_widget_class_bind_template_child_private (widget_class, FerryDemoPage, info_label);
  gtk_widget_class_bind_template_child_private (widget_class, FerryDemoPage, again_button);
  gtk_widget_class_bind_template_callback (widget_class, close_info_cb);
  gtk_widget_class_install_action (widget_class, "page.try-to-break", NULL, try_to_break);
  gtk_widget_class_install_action (widget_class, "page.try-again", NULL, try_again);
}

static void
ferry_demo_page_init (FerryDemoPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

void
ferry_demo_page_begin (FerryDemoPage *self, FerryDemoSession *session)
{
  FerryDemoPagePrivate *priv = GET_PRIVATE (self);

  g_return_if_fail (priv->session == NULL);

  priv->session = g_object_ref (session);
  FERRY_DEMO_PAGE_GET_CLASS (self)->begin (self, session);
  g_signal_connect_object (session, "stopping", G_CALLBACK (rest), self, G_CONNECT_SWAPPED);
}

gboolean
ferry_demo_page_is_turning (gpointer page)
{
  return GET_PRIVATE (page)->turn_timeout != 0;
}

void
ferry_demo_page_try_to_break (FerryDemoPage *self)
{
  FERRY_DEMO_PAGE_GET_CLASS (self)->try_to_break (self);
}

gboolean
ferry_demo_page_is_settled (FerryDemoPage *self)
{
  FerryDemoPageClass *klass = FERRY_DEMO_PAGE_GET_CLASS (self);

  return klass->is_settled == NULL || klass->is_settled (self);
}

void
ferry_demo_page_tell (FerryDemoPage *self, GtkMessageType type, const char *text)
{
  FerryDemoPagePrivate *priv = GET_PRIVATE (self);
  gboolean again = type == GTK_MESSAGE_ERROR && FERRY_DEMO_PAGE_GET_CLASS (self)->try_again != NULL;

  if (text != NULL)
    {
      gtk_info_bar_set_message_type (GTK_INFO_BAR (priv->info_bar), type);
      gtk_label_set_text (GTK_LABEL (priv->info_label), text);
      /* Without its button there would be no way on. */
      gtk_widget_set_visible (priv->again_button, again);
      gtk_info_bar_set_show_close_button (GTK_INFO_BAR (priv->info_bar), !again);
    }
  gtk_info_bar_set_revealed (GTK_INFO_BAR (priv->info_bar), text != NULL);
}

void
ferry_demo_page_tell_error (gpointer page, const GError *error)
{
  if (error != NULL)
    ferry_demo_page_tell (page, GTK_MESSAGE_ERROR, error->message);
}

static void
chooser_cb (FerryDemoPage *self, int response)
{
  FerryDemoPagePrivate *priv = GET_PRIVATE (self);
  g_autoptr (GFile) folder = NULL;
  g_autofree char *path = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    folder = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (priv->folder_chooser));
  path = folder != NULL ? g_file_get_path (folder) : NULL;
  g_clear_object (&priv->folder_chooser);
  if (path != NULL)
    FERRY_DEMO_PAGE_GET_CLASS (self)->folder_chosen (self, path);
}

void
ferry_demo_page_choose_folder (gpointer page, const char *title, const char *path)
{
  FerryDemoPagePrivate *priv = GET_PRIVATE (page);
  g_autoptr (GFile) folder = g_file_new_for_path (path);

  if (priv->folder_chooser != NULL)
    return;
  priv->folder_chooser = gtk_file_chooser_native_new (title, GTK_WINDOW (gtk_widget_get_root (page)),
                                                      GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, NULL, NULL);
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (priv->folder_chooser), TRUE);
  gtk_file_chooser_set_file (GTK_FILE_CHOOSER (priv->folder_chooser), folder, NULL);
  g_signal_connect_object (priv->folder_chooser, "response", G_CALLBACK (chooser_cb), page, G_CONNECT_SWAPPED);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (priv->folder_chooser));
}

void
ferry_demo_page_class_set_template (gpointer klass, const char *name, const char *const *names)
{
  g_autofree char *path = g_strdup_printf ("/org/ferryproject/Demo/%s.ui", name);

  gtk_widget_class_set_template_from_resource (klass, path);
  for (guint i = 0; names[i] != NULL; i++)
    gtk_widget_class_bind_template_child_full (klass, names[i], FALSE, 0);
}

gpointer
ferry_demo_page_get_child (gpointer page, const char *name)
{
  GObject *child = gtk_widget_get_template_child (page, G_OBJECT_TYPE (page), name);

  return child != NULL ? child : gtk_widget_get_template_child (page, FERRY_DEMO_TYPE_PAGE, name);
}

void
ferry_demo_page_take_text (gpointer page, const char *name, char *text)
{
  gtk_label_set_text (ferry_demo_page_get_child (page, name), text);
  g_free (text);
}
