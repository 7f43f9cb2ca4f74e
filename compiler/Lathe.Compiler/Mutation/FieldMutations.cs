using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Lathe.Compiler.Mutation;

/// <summary>Mutations of messages by the fields of their types, whatever these mean. Null where the model has no place for one.</summary>
internal static class FieldMutations
{
    /// <summary>Sets a field to an absurd value.</summary>
    public static string? SetScalar(ModelSite site)
    {
        (IMessage Message, FieldDescriptor Field)? found = Find(site, field => !field.IsRepeated && field.FieldType != FieldType.Message);
        if (found is not var (message, field)) return null;
        field.Accessor.SetValue(message, Absurd.Of(field, field.Accessor.GetValue(message), site.Random));
        return $"set {Name(field)}";
    }

    /// <summary>Sets an element of a list to an absurd value.</summary>
    public static string? SetElement(ModelSite site)
    {
        (IMessage Message, FieldDescriptor Field)? found = Find(site, field => field.IsRepeated && field.FieldType != FieldType.Message, notEmpty: true);
        if (found is not var (message, field)) return null;
        IList list = List(message, field);
        int at = site.Random.Next(list.Count);
        list[at] = Absurd.Of(field, list[at], site.Random);
        return $"set {Name(field)}[{at}]";
    }

    /// <summary>Inserts absurd elements into a list.</summary>
    public static string? Insert(ModelSite site)
    {
        (IMessage Message, FieldDescriptor Field)? found = Find(site, field => field.IsRepeated && field.FieldType != FieldType.Message);
        if (found is not var (message, field)) return null;
        IList list = List(message, field);
        int count = site.Random.Next(8) == 0 ? site.Random.Next(1, 100) : 1;
        for (int i = 0; i < count; i++) list.Insert(site.Random.Next(list.Count + 1), Absurd.Of(field, null, site.Random));
        return $"insert {count} into {Name(field)}";
    }

    /// <summary>Removes an element of a list.</summary>
    public static string? Remove(ModelSite site)
    {
        (IMessage Message, FieldDescriptor Field)? found = Find(site, field => field.IsRepeated, notEmpty: true);
        if (found is not var (message, field)) return null;
        IList list = List(message, field);
        int at = site.Random.Next(list.Count);
        list.RemoveAt(at);
        return $"remove {Name(field)}[{at}]";
    }

    /// <summary>Repeats an element of a list.</summary>
    public static string? Duplicate(ModelSite site)
    {
        (IMessage Message, FieldDescriptor Field)? found = Find(site, field => field.IsRepeated, notEmpty: true);
        if (found is not var (message, field)) return null;
        IList list = List(message, field);
        int at = site.Random.Next(list.Count);
        list.Insert(site.Random.Next(list.Count + 1), list[at] is IMessage element ? ModelSite.Clone(element) : list[at]);
        return $"duplicate {Name(field)}[{at}]";
    }

    /// <summary>Swaps two elements of a list.</summary>
    public static string? Swap(ModelSite site)
    {
        (IMessage Message, FieldDescriptor Field)? found = Find(site, field => field.IsRepeated, notEmpty: true);
        if (found is not var (message, field)) return null;
        IList list = List(message, field);
        int a = site.Random.Next(list.Count), b = site.Random.Next(list.Count);
        if (a == b) return null;
        (list[a], list[b]) = (list[b], list[a]);
        return $"swap {Name(field)}[{a}] and [{b}]";
    }

    /// <summary>Empties a field.</summary>
    public static string? Clear(ModelSite site)
    {
        // A model without a graph is refused at once.
        (IMessage Message, FieldDescriptor Field)? found = Find(site, field => field.Name != "graph");
        if (found is not var (message, field)) return null;
        field.Accessor.Clear(message);
        return $"clear {Name(field)}";
    }

    /// <summary>Puts a message in the place of another of its type, out of this model or the donor.</summary>
    public static string? Splice(ModelSite site)
    {
        (IMessage Message, FieldDescriptor Field)? found = Find(site, field => field.FieldType == FieldType.Message);
        if (found is not var (message, field)) return null;
        bool own = site.Random.Next(3) == 0;
        IMessage? from = site.Pick([.. ModelSite.Descendants(own ? site.Model : site.Donor).Where(m => m.Descriptor == field.MessageType)]);
        if (from is null) return null;
        IMessage copy = ModelSite.Clone(from);
        if (!field.IsRepeated) field.Accessor.SetValue(message, copy);
        else if (List(message, field) is { Count: > 0 } list && site.Random.Next(2) == 0) list[site.Random.Next(list.Count)] = copy;
        else List(message, field).Add(copy);
        return $"splice {Name(field)} of {(own ? "the model" : "the donor")}";
    }

    private static (IMessage Message, FieldDescriptor Field)? Find(ModelSite site, Func<FieldDescriptor, bool> fits, bool notEmpty = false)
    {
        IMessage message = site.Pick([.. ModelSite.Descendants(site.Model)])!;
        FieldDescriptor? field = site.Pick(
            [.. message.Descriptor.Fields.InFieldNumberOrder().Where(f => fits(f) && !(notEmpty && List(message, f).Count == 0))]);
        return field is null ? null : (message, field);
    }

    private static IList List(IMessage message, FieldDescriptor field) => (IList)field.Accessor.GetValue(message);

    private static string Name(FieldDescriptor field) => $"{field.ContainingType.Name}.{field.Name}";
}
