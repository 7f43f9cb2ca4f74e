using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.Loader;

namespace Lathe.Runtime.Execution;

/// <summary>A kernel assembly in a load context of its own that shares only this runtime with the application.</summary>
internal sealed class KernelAssembly
{
    private readonly Context _context;

    private KernelAssembly(Context context, CompiledModule module)
    {
        _context = context;
        Module = module;
    }

    public CompiledModule Module { get; }

    /// <exception cref="LatheException">LATHE0501: the file is missing or is no kernel assembly.</exception>
    [RequiresUnreferencedCode("Loads an assembly that is not known when the application is trimmed.")]
    [RequiresDynamicCode("Runs code that is not known when the application is compiled.")]
    public static KernelAssembly Load(string path, bool unloadable)
    {
        string file = Path.GetFullPath(path);
        if (!File.Exists(file)) throw NotOne($"There is no file {path}.");
        Context context = new(Path.GetFileName(file), unloadable);
        try
        {
            Assembly assembly = context.LoadFromAssemblyPath(file);
            Type type = ModuleOf(assembly) ?? throw NotOne($"{path} is an assembly without a compiled model.");
            if (!typeof(CompiledModule).IsAssignableFrom(type)) throw NotOne($"{path} names {type}, which is no compiled module.");
            return new(context, (CompiledModule)Activator.CreateInstance(type)!);
        }
        catch (Exception e)
        {
            if (unloadable) context.Unload();
            if (e is BadImageFormatException or IOException or UnauthorizedAccessException or TypeLoadException or MemberAccessException
                or TargetInvocationException)
            {
                throw NotOne($"{path} cannot be loaded as a compiled model: {(e as TargetInvocationException)?.InnerException?.Message ?? e.Message}", e);
            }

            throw;
        }
    }

    /// <summary>The directory an assembly was loaded from; null for one that is part of a single file.</summary>
    [UnconditionalSuppressMessage("SingleFile", "IL3000", Justification = "The empty location of a bundled assembly is handled.")]
    public static string? DirectoryOf(Assembly assembly) => assembly.Location is { Length: > 0 } location ? Path.GetDirectoryName(location) : null;

    /// <summary>Lets the assembly go once nothing references it, if it was loaded so.</summary>
    public void Unload()
    {
        if (_context.IsCollectible) _context.Unload();
    }

    /// <summary>
    /// The class that the assembly's attribute names. Where it has one compiled module, it is that: to read the attribute takes longer than all else of loading an assembly.
    /// </summary>
    [RequiresUnreferencedCode("Looks through the types of an assembly.")]
    private static Type? ModuleOf(Assembly assembly)
    {
        if (!assembly.IsDefined(typeof(CompiledModuleAttribute), false)) return null;
        Type? only = null;
        foreach (Type type in assembly.GetExportedTypes())
        {
            if (!type.IsSubclassOf(typeof(CompiledModule))) continue;
            if (only is not null) return assembly.GetCustomAttribute<CompiledModuleAttribute>()!.Module;
            only = type;
        }

        return only ?? assembly.GetCustomAttribute<CompiledModuleAttribute>()!.Module;
    }

    private static LatheException NotOne(string message, Exception? cause = null) => new(ErrorIds.NotAKernelAssembly, message, cause);

    private sealed class Context(string name, bool unloadable) : AssemblyLoadContext(name, unloadable)
    {
        private static readonly Assembly Runtime = typeof(CompiledModule).Assembly;

        protected override Assembly? Load(AssemblyName assemblyName) => assemblyName.Name == Runtime.GetName().Name ? Runtime : null;
    }
}
