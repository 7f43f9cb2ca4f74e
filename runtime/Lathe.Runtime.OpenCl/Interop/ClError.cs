using System.Globalization;

namespace Lathe.Runtime.OpenCl.Interop;

/// <summary>Turns codes of OpenCL into errors of the runtime.</summary>
internal static class ClError
{
    /// <summary>Throws for a code other than that of success.</summary>
    /// <param name="code">What a function returned.</param>
    /// <param name="what">What was being done, as the beginning of a message.</param>
    /// <exception cref="LatheException">LATHE0506: there is not enough memory. LATHE0511: the device fails.</exception>
    public static void Check(int code, string what)
    {
        if (code != CL.Success) throw Of(code, what);
    }

    /// <summary>The error of a code.</summary>
    public static LatheException Of(int code, string what) => code switch
    {
        CL.MemObjectAllocationFailure or CL.OutOfHostMemory or CL.InvalidBufferSize => new(ErrorIds.DoesNotFit, $"{what}: the OpenCL device has not enough memory ({Name(code)})."),
        _ => new(ErrorIds.DeviceFailed, $"{what}: the OpenCL device failed ({Name(code)})."),
    };

    /// <summary>The name of a code as OpenCL's headers have it.</summary>
    public static string Name(int code) => code switch
    {
        CL.DeviceNotFound => "CL_DEVICE_NOT_FOUND",
        CL.DeviceNotAvailable => "CL_DEVICE_NOT_AVAILABLE",
        CL.MemObjectAllocationFailure => "CL_MEM_OBJECT_ALLOCATION_FAILURE",
        CL.OutOfResources => "CL_OUT_OF_RESOURCES",
        CL.OutOfHostMemory => "CL_OUT_OF_HOST_MEMORY",
        CL.BuildProgramFailure => "CL_BUILD_PROGRAM_FAILURE",
        CL.InvalidBufferSize => "CL_INVALID_BUFFER_SIZE",
        CL.PlatformNotFoundKhr => "CL_PLATFORM_NOT_FOUND_KHR",
        _ => "code " + code.ToString(CultureInfo.InvariantCulture),
    };
}
